"""Lists by cursor: `{"items": […], "next": "…"|null}`. A cursor is signed, so nobody can make one up."""

from django.core import signing
from django.db.models import Q

from gallery.api.problems import Problem

SALT = "gallery.api.paging"


def bad_cursor() -> Problem:
    return Problem(400, "This cursor is not one of ours. Start again without “after”.", field="after")


def cut(rows, *, limit: int, after: str, field: str = "pk", descending: bool = True):
    """At most `limit` rows behind the cursor, by `field` and then key, and the next cursor."""
    sign = "-" if descending else ""
    names = [field] if field == "pk" else [field, "pk"]
    rows = rows.order_by(*(sign + name for name in names))
    if after:
        rows = rows.filter(_behind(names, _read(after, len(names)), "lt" if descending else "gt"))
    page = list(rows[: limit + 1])
    more, page = len(page) > limit, page[:limit]
    last = [getattr(page[-1], name) for name in names] if more else None
    return page, signing.dumps(last, salt=SALT) if last else None


def _read(cursor: str, length: int) -> list:
    try:
        values = signing.loads(cursor, salt=SALT)
    except signing.BadSignature as exc:
        raise bad_cursor() from exc
    if len(values) != length:
        raise bad_cursor()
    return values


def _behind(names, values, lookup) -> Q:
    condition = Q(**{f"{names[-1]}__{lookup}": values[-1]})
    if len(names) == 2:
        same = Q(**{names[0]: values[0]}) & condition
        return Q(**{f"{names[0]}__{lookup}": values[0]}) | same
    return condition
