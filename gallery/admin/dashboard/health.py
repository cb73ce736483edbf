from collections.abc import Iterator

from django.core.checks import ERROR, CheckMessage, registry

from gallery.admin.dashboard.figures import Figure, Panel
from gallery.files.scrubbing import Report
from gallery.models import User
from gallery.monitoring import readiness

NAMES = {"database": "Database", "storage": "Picture store", "worker": "Worker", "space": "Room on the disk"}


def panel(user: User, originals: Report | None) -> Panel:
    """What /health/ready says, and for superusers what is wrong with the settings."""
    figures = [_answer(NAMES.get(name, name), works) for name, works in readiness.checks().items()]
    notes = [_originals(originals)]
    if user.is_superuser:
        found = [_finding(message) for message in findings()]
        notes += found or [Figure(value="Settings: nothing to object to.", tone="ok")]
    return Panel(title="Health", figures=figures, notes=notes)


def _answer(label: str, works: bool) -> Figure:
    return Figure(label=label, value="OK" if works else "No", tone="ok" if works else "bad")


def _originals(report: Report | None) -> Figure:
    if report is None:
        return Figure(value="The picture store does not answer. The server’s log says why.", tone="bad")
    if report.found:
        return Figure(
            value=f"Files that are not what was stored: {len(report.found)}; see above.", tone="bad"
        )
    if report.finished_at:
        read = f"All originals were read on {report.finished_at:%-d %B %Y}"
        return Figure(value=f"{read} and are as they were stored: {report.pictures}.", tone="ok")
    return Figure(value=f"Originals are being read, a part each hour. Sound so far: {report.pictures}.")


def findings() -> Iterator[CheckMessage]:
    """What our own system checks say of the settings as they are now."""
    for check in registry.registry.get_checks(include_deployment_checks=True):
        if check.__module__.startswith("gallery."):
            yield from check(app_configs=None, databases=["default"])


def _finding(message: CheckMessage) -> Figure:
    tone = "bad" if message.level >= ERROR else "warn"
    return Figure(value=message.msg, note=message.id or "", tone=tone)
