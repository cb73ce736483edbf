"""The pieces of prompt text that a character, look or persona has."""

from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from gallery import tagging
from gallery.forms.tags import FragmentForm
from gallery.models import Fragment
from gallery.prompting import fragments
from gallery.screens import tag_page
from gallery.screens.toasts import notify
from gallery.views.fragments import posted
from gallery.views.tags import read_tag, tag_context


@require_http_methods(["GET", "HEAD", "POST"])
def new(request, public_id):
    """Write another fragment."""
    tag = read_tag(request, public_id)
    if tag.kind not in fragments.KINDS:
        raise Http404(gettext("Tags of this kind have no fragments."))
    form = FragmentForm(posted(request), initial={"use": Fragment.Use.ALWAYS}, tiers=[])
    if _is_kept(form, lambda values: fragments.create(tag, **values)):
        return redirect(tag)
    return _show(request, tag, form)


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request, public_id, fragment_id):
    """Change a fragment."""
    tag = read_tag(request, public_id)
    fragment = get_object_or_404(tag.fragments, public_id=fragment_id)
    initial = {"name": fragment.name, "use": fragment.use, "text": fragment.text}
    form = FragmentForm(posted(request), initial=initial, tiers=fragment.tiers)
    if _is_kept(form, lambda values: fragments.change(fragment, **values)):
        return redirect(tag)
    fits = tag_page.fits(fragment, tag_page.prompt_limits(request.user))
    return _show(request, tag, form, fragment=fragment, fits=fits)


@require_POST
def move(request, public_id, fragment_id):
    """Send a fragment earlier than the one before it, or later than the one behind it."""
    tag = read_tag(request, public_id)
    fragment = get_object_or_404(tag.fragments, public_id=fragment_id)
    fragments.move(fragment, by=-1 if request.POST.get("to") == "front" else 1)
    return redirect(f"{tag.get_absolute_url()}#fragments-title")


@require_POST
def delete(request, public_id, fragment_id):
    """Delete a fragment."""
    tag = read_tag(request, public_id)
    fragment = get_object_or_404(tag.fragments, public_id=fragment_id)
    fragment.delete()
    notify(request, gettext("The fragment “{name}” was deleted.").format(name=fragment.name))
    return redirect(tag)


def _is_kept(form, keep) -> bool:
    if not (form.is_bound and form.is_valid()):
        return False
    try:
        keep(form.values)
    except fragments.FragmentError as error:
        form.refuse(error)
    except tagging.TagError as error:
        form.add_error(None, str(error))
    return not form.errors


def _show(request, tag, form, **more):
    context = tag_context(tag) | {"form": form, **more}
    return render(request, "gallery/tags/fragment.html", context, status=422 if form.errors else 200)
