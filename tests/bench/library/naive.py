"""The gallery as a first version of it is written: instances, prefetch, a paginator, a template for each tile.

Its tiles say the same as ours: the same classes, addresses and signed thumbnails. So does its frame, whose
numbers are counted one by one.
"""
# ruff: noqa: E501  templates in which each space would be sent

from types import SimpleNamespace

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import HttpResponse
from django.template import engines
from django.urls import include, path

from gallery.files.media import thumbnail_url
from gallery.models import Generation, Image, Tag
from gallery.money import costs
from gallery.screens.grid import ratio_step

TILE = """{% load ui %}<li class="tile r{{ image.ratio_class|stringformat:"02d" }} t{{ image.tint|slice:":2" }} \
b{{ image.tint|slice:"2:" }}{% if image.sensitive %} tile--sensitive{% endif %}" id="image-{{ image.public_id }}">\
<a href="{% url 'image' image.public_id %}" data-full="{{ image.full }}"><img src="{{ image.small }}" \
srcset="{{ image.small }} 320w, {{ image.full }} 1280w" sizes="auto, 230px" width="{{ image.width }}" \
height="{{ image.height }}" alt="{% if image.title %}{{ image.title }}{% else %}\
{% for tag in image.tags.all %}{{ tag.name }}{% if not forloop.last %}, {% endif %}{% endfor %}{% endif %}" \
decoding="async" {% if forloop.counter > 12 %}loading="lazy"{% endif %}></a><span class="veil"></span>\
{% if image.frames > 1 %}<span class="badge">{% icon "play" "s" %}</span>{% endif %}\
<button class="fav" form="fav" formaction="{% url 'favourite' image.public_id %}" \
data-favourite="{{ image.public_id }}" aria-pressed="{{ image.favorite|yesno:"true,false" }}" \
aria-label="Favourite {{ image.title }}">{% icon "heart" %}</button>\
<a class="vh" href="{% url 'original' image.public_id %}">{{ image.created_at|date:"j F Y" }}</a></li>"""
GRID = """<ul class="grid" role="list">{% for image in page %}{% include tile %}{% endfor %}</ul>\
{% if page.has_next %}<a rel="next" href="?page={{ page.next_page_number }}">Older</a>{% endif %}"""
PAGE = """{% extends "base.html" %}{% block main %}<div class="head"><h1>Gallery</h1>\
<span>{{ page.paginator.count }} images</span></div><div class="feed size-m">{% include grid %}</div>{% endblock %}"""


class Shown(Image):
    class Meta:
        proxy = True
        app_label = "gallery"

    @property
    def small(self):
        return thumbnail_url(self.public_id, self.owner_id, 320)

    @property
    def full(self):
        return thumbnail_url(self.public_id, self.owner_id, 1280)

    @property
    def ratio_class(self):
        return ratio_step(self.width, self.height)


@login_required
def gallery(request):
    """The whole page of sixty tiles; with `?batch` a hundred and twenty tiles alone."""
    images = Shown.objects.filter(owner=request.user, trashed_at=None).order_by("-pk")
    if tag := request.GET.get("tag"):
        images = images.filter(tags=tag)
    batch = "batch" in request.GET
    page = Paginator(images.prefetch_related("tags"), 120 if batch else 60).get_page(2 if batch else 1)
    context = {"page": page, "tile": TILES, "grid": GRIDS, "section": "gallery"}
    if not batch:
        context["side"] = side(request.user)
    return HttpResponse((GRIDS if batch else PAGES).render(context, request))


def side(user) -> SimpleNamespace:
    tags = Tag.objects.filter(owner=user, alias_of=None)
    made = Generation.objects.filter(owner=user)
    return SimpleNamespace(
        images=Image.objects.filter(owner=user, trashed_at=None).count(),
        characters=tags.filter(kind="character").count(),
        personas=tags.filter(kind="persona").count(),
        chats=tags.filter(kind="chat").count(),
        tags=tags.filter(kind="tag").count(),
        active=made.filter(status__in=["queued", "running", "saving"]).count(),
        spent=made.filter(created_at__gte=costs.start_of_month()).aggregate(usd=Sum("cost_usd"))["usd"] or 0,
        limit=None,
        pinned=tags.filter(pinned=True),
    )


TILES, GRIDS, PAGES = (engines["django"].from_string(text) for text in (TILE, GRID, PAGE))
urlpatterns = [path("naive/", gallery), path("", include("config.urls"))]
