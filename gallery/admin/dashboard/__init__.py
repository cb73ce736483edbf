"""The first page of the admin: how queue, money, store and server are, with links to the rows."""

from collections.abc import Iterator

from gallery.admin.dashboard import health, queue, spending, storage
from gallery.admin.dashboard.figures import Panel
from gallery.files.scrubbing import Report


def read(request, originals: Report | None) -> list[Panel]:
    """The panels that this person may see; `originals` is what is known of their health."""
    return list(_panels(request, originals))


def _panels(request, originals: Report | None) -> Iterator[Panel]:
    if request.user.has_perm("gallery.view_generation"):
        yield queue.panel()
        yield spending.panel()
    yield storage.panel(request.user)
    yield health.panel(request.user, originals)
