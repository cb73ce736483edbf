"""Whole page or fragment."""


def wants_fragment(request) -> bool:
    """True for htmx requests that swap a part. The back button and boosted links always get a whole page."""
    return bool(request.htmx) and not request.htmx.boosted and not request.htmx.history_restore_request


def posted(request):
    """The form data of a POST, be it empty; None for other methods, which leaves a form unbound."""
    return request.POST if request.method == "POST" else None
