"""What programs hear of a generation while it is made, as server-sent events (WHATWG HTML, 9.2).

    status    {id, status, done, n}          at first, and whenever it changed
    partial   {index, number, url}           a preview of picture `index`; gone a minute after the call's end
    image     {index, id, thumbnail_url, …}  a picture that has arrived
    done      the generation as GET answers it; the last event

The stream itself is the shell's (`config/events.py`), which holds no thread of Django for it.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import close_old_connections
from django.db.models import Prefetch

from gallery.api.v1.generations import GenerationOut, GenerationPicture, picture_shape, shape
from gallery.generations import partials
from gallery.models import ApiToken, Generation, GenerationImage


class Follower:
    """One stream: whose it is, and what it has heard."""

    def __init__(self, generation_id: int, token_id: int):
        self.generation_id = generation_id
        self.token_id = token_id
        self.revision = -1
        self.status = ""
        self.heard: set[tuple] = set()
        self.is_over = False

    def news(self, row: Generation) -> Iterator[bytes]:
        """The events that bring the stream up to date with `row`."""
        self.revision = row.revision
        if row.is_active or not self.status:
            yield from self._status(row)
        yield from self._partials(row)
        yield from self._images(row)
        if not row.is_active:
            yield from self._status(row)
            yield event("done", GenerationOut.model_validate(shape(row)).model_dump(mode="json"))
            self.is_over = True

    def _status(self, row: Generation) -> Iterator[bytes]:
        if row.status != self.status:
            self.status = row.status
            done = len(row.results.all())
            yield event("status", {"id": str(row.public_id), "status": row.status, "done": done, "n": row.n})

    def _partials(self, row: Generation) -> Iterator[bytes]:
        for call in row.calls.all():
            for number in partials.numbers_of(call.public_id):
                if self._is_new("partial", call.public_id, number):
                    url = f"/api/v1/generations/{row.public_id}/partials/{call.first_image}/{number}"
                    yield event("partial", {"index": call.first_image, "number": number, "url": url})

    def _images(self, row: Generation) -> Iterator[bytes]:
        for result in row.results.all():
            if self._is_new("image", result.index):
                picture = GenerationPicture.model_validate(picture_shape(result.image))
                yield event("image", {"index": result.index} | picture.model_dump(mode="json"))

    def _is_new(self, *what: object) -> bool:
        is_new = what not in self.heard
        self.heard.add(what)
        return is_new


def event(name: str, data: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def news_for(followers: Iterable[Follower]) -> dict[Follower, bytes]:
    """What is new for each, one look at the database for all. A stream whose token was revoked is over."""
    close_old_connections()
    followers = list(followers)
    tokens = set(
        ApiToken.objects.usable().filter(pk__in={f.token_id for f in followers}).values_list("pk", flat=True)
    )
    ids = {follower.generation_id for follower in followers}
    revisions = dict(Generation.objects.filter(pk__in=ids).values_list("pk", "revision"))
    for follower in followers:
        follower.is_over = follower.token_id not in tokens or follower.generation_id not in revisions
    behind = [f for f in followers if not f.is_over and f.revision != revisions[f.generation_id]]
    rows = {row.pk: row for row in _read({follower.generation_id for follower in behind})} if behind else {}
    return {f: b"".join(f.news(rows[f.generation_id])) for f in behind if f.generation_id in rows}


def _read(ids: set[int]):
    results = GenerationImage.objects.select_related("image").order_by("index")
    rows = Generation.objects.filter(pk__in=ids).select_related("profile", "follows")
    return rows.prefetch_related(Prefetch("results", queryset=results), "calls")
