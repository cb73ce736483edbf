import shutil

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from gallery.admin.dashboard.figures import Figure, Panel, Table, rows_of
from gallery.files import quotas, usage
from gallery.files.usage import Usage, Weight
from gallery.models import Image, User


def panel(user: User) -> Panel:
    """What a worker measured, and what the disk says. Only superusers are led to the pictures of all."""
    known = usage.latest()
    if known is None:
        note = Figure(value="How much is kept is measured by a worker once a day, and was not yet.")
        return Panel(title="Storage", figures=[_free()], notes=[note])
    note = Figure(value=f"Measured on {timezone.localtime(known.measured_at):%-d %B %Y at %H:%M}.")
    tables = [_by_owner(known)] if user.is_superuser else []
    return Panel(title="Storage", figures=[_free(), *_weights(known, user)], tables=tables, notes=[note])


def _free() -> Figure:
    """On the disk of DATA_DIR, on which half-finished work needs room even when pictures go elsewhere."""
    disk = shutil.disk_usage(settings.DATA_DIR)
    is_short = disk.free < quotas.FREE_SPACE_FLOOR
    tone = "bad" if is_short else "warn" if disk.free < disk.total / 20 else ""
    return Figure(label="Free", value=_size(disk.free), note=f"of {_size(disk.total)} on the disk", tone=tone)


def _weights(known: Usage, user: User) -> list[Figure]:
    sources = [
        _weight(str(label), known.sources.get(source, Weight()), user, source__exact=source)
        for source, label in Image.Source.choices
    ]
    return [
        _weight("Originals", known.originals, user, place=""),
        *sources,
        _weight("Trash", known.trash, user, place="trash"),
        Figure(label="Previews", value=_size(known.thumbnails.bytes), note=_files(known.thumbnails.n)),
    ]


def _weight(label: str, weight: Weight, user: User, **query: object) -> Figure:
    url = rows_of(Image, **query) if user.is_superuser else ""
    return Figure(label=label, value=_size(weight.bytes), note=_pictures(weight.n), url=url)


def _by_owner(known: Usage) -> Table:
    names = dict(User.objects.filter(pk__in=known.owners).values_list("pk", "username"))
    rows = [
        [
            Figure(value=names[key]),
            Figure(value=f"{weight.n:,}", url=rows_of(Image, place="all", owner__id__exact=key)),
            Figure(value=_size(weight.bytes)),
        ]
        for key, weight in known.owners.items()
        if key in names
    ]
    return Table(title="Largest libraries", columns=("Person", "Pictures", "Size"), rows=rows)


def _pictures(n: int) -> str:
    return f"{n:,} picture{'' if n == 1 else 's'}"


def _files(n: int) -> str:
    return f"{n:,} file{'' if n == 1 else 's'}"


def _size(size: int) -> str:
    return filesizeformat(size).replace("\xa0", " ")
