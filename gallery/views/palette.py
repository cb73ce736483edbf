"""The palette: what a few letters lead to, from anywhere."""

from django.shortcuts import render
from django.views.decorators.http import require_safe

from gallery.navigation import palette
from gallery.views.fragments import wants_fragment

LONGEST = 200  # characters of a question


@require_safe
def commands(request):
    """A page with a field and its answers; for the dialog of Ctrl K the answers alone."""
    text = request.GET.get("q", "")[:LONGEST].replace("\0", "")
    context = {"section": "commands", "asked": text, "options": palette.options(request.user, text)}
    part = "#options" if wants_fragment(request) else ""
    return render(request, f"gallery/commands.html{part}", context)
