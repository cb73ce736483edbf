"""What is done to a tag: other words, another kind, merging, deleting."""

from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_http_methods, require_POST

from gallery import tagging
from gallery.forms.tags import TagForm
from gallery.language.numerals import images, thousands
from gallery.models import Tag
from gallery.screens.toasts import notify, warn
from gallery.tagging import implications
from gallery.views.fragments import posted
from gallery.views.tags import PLURALS, read_tag, tag_context


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, public_id):
    """Change a tag's name, kind, texts, colour, other spellings, and what it brings."""
    tag = read_tag(request, public_id)
    form = TagForm(posted(request), tag=tag)
    name = tag.full_name
    if form.is_bound and form.is_valid() and form.save():
        return redirect(tag)
    context = tag_context(tag) | {"form": form, "name": name}
    return render(request, "gallery/tags/edit.html", context, status=422 if form.errors else 200)


@require_POST
def spread(request, public_id):
    """Put what a tag brings on the pictures that had it before."""
    tag = read_tag(request, public_id)
    try:
        n = implications.apply(tag)
    except tagging.TagError as error:
        warn(request, str(error))
    else:
        words = ngettext(
            "{n} image has what “{name}” brings now.", "{n} images have what “{name}” brings now.", n
        )
        notify(request, words.format(n=thousands(n), name=tag.full_name))
    return redirect(tag)


@require_http_methods(["GET", "HEAD", "POST"])
def merge(request, public_id):
    """Let a tag become another spelling of `into`. A GET says what would happen."""
    tag = read_tag(request, public_id)
    data = request.POST if request.method == "POST" else request.GET
    context = tag_context(tag) | {"typed": data.get("into", "")}
    try:
        into = _named(tag, context["typed"])
        if request.method == "POST" and into:
            return _merge(request, tag, into)
        context["plan"] = tagging.plan_merge(tag, into) if into else None
    except tagging.TagError as error:
        context["problem"] = str(error)
    status = 422 if "problem" in context or request.method == "POST" else 200
    return render(request, "gallery/tags/merge.html", context, status=status)


def _merge(request, tag, into):
    tagging.merge(tag, into)
    target = Tag.objects.with_counts().get(pk=(into.alias_of or into).pk)
    notify(
        request,
        gettext("“{name}” is another spelling of “{target}” now: {images}.").format(
            name=tag.full_name, target=target.name, images=images(target.image_count)
        ),
    )
    return redirect(target)


def _named(tag, text: str) -> Tag | None:
    """The tag that `text` names; without a kind before it, one of the kind of `tag` comes first."""
    text = next(iter(tagging.split_specs(text)), "")
    if not text:
        return None
    specs = [f'{tag.kind}:"{text}"', text] if ":" not in text else [text]
    for spec in specs:
        if found := tagging.resolve(tag.owner, [spec], create=False):
            return found[0]
    raise tagging.TagError(
        gettext("There is no tag “{n}”. Write the name of one that you have.").format(n=text.strip()[:60])
    )


@require_http_methods(["GET", "HEAD", "POST"])
def delete(request, public_id):
    """Delete a tag; its pictures stay, unless those of a chat shall go too. A GET asks first."""
    tag = read_tag(request, public_id)
    if request.method != "POST":
        return render(request, "gallery/tags/delete.html", tag_context(tag))
    is_trashing = tag.kind == Tag.Kind.CHAT and request.POST.get("pictures") == "trash"
    pictures = tagging.delete(tag, trash_pictures=is_trashing)
    notify(
        request,
        gettext("“{name}” was deleted.{where}").format(
            name=tag.full_name, where=_where(pictures, is_trashing)
        ),
    )
    return redirect(tag.parent or PLURALS[tag.kind])


def _where(pictures: int, is_trashing: bool) -> str:
    if not pictures:
        return ""
    if is_trashing:
        return gettext(" Its images are in the trash: {pictures}.").format(pictures=thousands(pictures))
    return gettext(" Images that carried it are still in the gallery: {pictures}.").format(
        pictures=thousands(pictures)
    )
