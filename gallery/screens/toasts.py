"""Short messages at the page's foot: on this answer when htmx asked for it, else on the next page."""

from django.contrib import messages


def notify(request, text, *, undo=""):
    """Tell the person `text`; `undo` is the address that a POST to takes the deed back."""
    messages.success(request, text, extra_tags=undo)


def warn(request, text):
    """Tell the person what went wrong and what to do about it."""
    messages.error(request, text)
