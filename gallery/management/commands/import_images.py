import os
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from gallery import ingest, tagging
from gallery.imports import archives
from gallery.management.people import OwnerCommand, find_user
from gallery.models import Image, ImageTag

ARCHIVES = {".zip", ".charx"}


@dataclass(frozen=True, kw_only=True)
class Found:
    """A picture to take in."""

    name: str  # the path, and for an entry of an archive its name behind it
    open: Callable[[], Any]  # gives a context with a stream or a path


@dataclass(frozen=True, kw_only=True)
class Failure:
    name: str
    code: str
    message: str


class Command(OwnerCommand):
    help = "Import pictures from files, folders and ZIPs. What is no picture in them is passed over."

    def add_arguments(self, parser):
        super().add_arguments(parser)
        parser.add_argument(
            "paths", nargs="+", type=Path, metavar="PATH", help="a picture, a folder or a ZIP"
        )
        parser.add_argument(
            "--tag", action="append", default=[], dest="tags", metavar="T", help="character:Mirel"
        )

    def handle(self, *, user, paths, tags, **options):
        owner = find_user(user)
        try:
            tags = tagging.resolve(owner, tags)
        except tagging.TagError as exc:
            raise CommandError(exc.message) from exc
        self.counts: Counter[str] = Counter()
        self.failures: list[Failure] = []
        for found in self.find(paths):
            self.take(owner, found, tags)
            self.show_progress()
        self.finish(options["json"])

    def find(self, paths: list[Path]) -> Iterator[Found]:
        for path in paths:
            if path.is_dir():
                yield from self.find_in_folder(path)
            elif path.suffix.lower() in ARCHIVES:
                yield from self.find_in_archive(path)
            else:
                yield a_file(path)

    def find_in_folder(self, folder: Path) -> Iterator[Found]:
        for root, folders, names in os.walk(folder, onerror=self.note_unreadable):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for path in (Path(root, name) for name in sorted(names) if not name.startswith(".")):
                if path.suffix.lower() in ARCHIVES:
                    yield from self.find_in_archive(path)
                elif archives.looks_like_picture(path.name):
                    yield a_file(path)
                else:
                    self.counts["passed_over"] += 1

    def find_in_archive(self, path: Path) -> Iterator[Found]:
        try:
            with archives.open_archive(path) as archive:
                for entry in archive.entries:
                    if entry.refusal and entry.refusal.code == "not_a_picture":
                        self.counts["passed_over"] += 1
                    else:
                        yield an_entry(path, archive, entry)
        except archives.ArchiveError as exc:
            self.fail(str(path), exc.code, exc.message)
        except OSError as exc:
            self.note_unreadable(exc)

    def take(self, owner, found: Found, tags: list) -> None:
        try:
            with found.open() as stream:
                stored = ingest.store(
                    owner,
                    stream,
                    source=Image.Source.IMPORT,
                    file_name=found.name,
                    tags=tags,
                    tag_origin=ImageTag.Origin.IMPORT,
                )
        except (ingest.IngestError, archives.ArchiveError) as exc:
            self.fail(found.name, exc.code, exc.message)
        except OSError as exc:
            self.fail(found.name, "unreadable", f"{exc.strerror or exc}.")
        else:
            self.counts["duplicates" if stored.duplicate else "added"] += 1

    def note_unreadable(self, exc: OSError) -> None:
        self.fail(str(exc.filename), "unreadable", f"{exc.strerror or exc}.")

    def fail(self, name: str, code: str, message: str) -> None:
        shown = name.encode("utf-8", "replace").decode()  # a file name may be no text at all
        self.failures.append(Failure(name=shown, code=code, message=message))

    def show_progress(self, end: str = "\r") -> None:
        if self.stderr.isatty():
            self.stderr.write(self.sentence(), ending=end)

    def sentence(self) -> str:
        return (
            f"{self.counts['added']} added, {self.counts['duplicates']} already there,"
            f" {self.counts['passed_over']} passed over, {len(self.failures)} failed."
        )

    def finish(self, as_json: bool) -> None:
        self.show_progress(end="\n")
        names = ("added", "duplicates", "passed_over")
        facts = {name: self.counts[name] for name in names}
        self.report(
            as_json, facts | {"failed": [asdict(failure) for failure in self.failures]}, self.sentence()
        )
        if self.failures:
            raise CommandError("\n".join(f"{failure.name}: {failure.message}" for failure in self.failures))


def a_file(path: Path) -> Found:
    return Found(name=str(path), open=lambda: nullcontext(regular(path)))


def regular(path: Path) -> Path:
    """`path`, unless reading it would wait for ever or never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise ingest.IngestError("not_a_file", "This is not a file.")
    return path


def an_entry(path: Path, archive: archives.Archive, entry: archives.Entry) -> Found:
    return Found(name=f"{path}/{entry.name}", open=lambda: archive.open(entry))
