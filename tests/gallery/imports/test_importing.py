import io
import threading
import zipfile
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.utils import timezone
from PIL import Image as PillowImage

from gallery import ingest, tagging
from gallery.files import storage
from gallery.imports import import_sources, importing
from gallery.imports.importing import ImportRefused
from gallery.models import Image, ImageTag, Import, ImportEntry, QueuedTask
from gallery.work import leases
from tests.conftest import picture_bytes

Status, State = Import.Status, ImportEntry.State


def archive_of(**files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "."), content)
    data.seek(0)
    return data


def three_pictures():
    colors = {"a__png": "#aa0000", "b__png": "#00bb00", "c__png": "#0000cc"}
    return archive_of(**{name: picture_bytes(color) for name, color in colors.items()})


def outcomes(job):
    return list(job.entries.values_list("name", "state", "error_code"))


@pytest.fixture
def job(owner):
    return importing.create_from_archive(owner, three_pictures(), "pictures.zip")


def run(job):
    importing.run(job.pk)
    job.refresh_from_db()
    return job


# --- Archives -------------------------------------------------------------------------------------


def test_an_archive_comes_in_with_its_tags(owner, settings, django_capture_on_commit_callbacks):
    tags = tagging.resolve(owner, ["character:Mirel", "rain"])
    with django_capture_on_commit_callbacks(execute=True):
        job = importing.create_from_archive(owner, three_pictures(), "my/pictures.zip", tags)
    assert (job.status, job.total, job.done, job.archive_name) == (Status.QUEUED, 3, 0, "pictures.zip")
    assert QueuedTask.objects.get().args == [job.pk]
    run(job)
    assert (job.status, job.total, job.done) == (Status.DONE, 3, 3)
    assert job.finished_at is not None
    images = Image.objects.owned_by(owner)
    assert {image.file_name for image in images} == {"a.png", "b.png", "c.png"}
    assert {image.source for image in images} == {"import"}
    assert set(ImageTag.objects.values_list("origin", flat=True)) == {"import"}
    assert [tag.count.n for tag in tags] == [3, 3]
    assert list(settings.SPOOL_DIR.iterdir()) == []


def test_what_cannot_come_in_has_a_reason_and_stops_nothing(owner):
    tiff = io.BytesIO()
    PillowImage.new("RGB", (9, 9)).save(tiff, "TIFF")
    file = archive_of(
        notes__txt="x",
        a__png=picture_bytes(),
        again__png=picture_bytes(),
        broken__png=b"?",
        scan__tif=tiff.getvalue(),
    )
    job = run(importing.create_from_archive(owner, file, "a.zip"))
    assert outcomes(job) == [
        ("notes.txt", State.FAILED, "not_a_picture"),
        ("a.png", State.ADDED, ""),
        ("again.png", State.DUPLICATE, ""),
        ("broken.png", State.FAILED, "unsupported_type"),
        ("scan.tif", State.FAILED, "unsupported_type"),
    ]
    assert (job.status, job.total, job.done) == (Status.DONE, 5, 5)
    assert all(e.error_message.endswith(".") for e in job.entries.filter(state=State.FAILED))


def test_an_import_that_brings_nothing_has_failed_and_says_why(owner):
    job = run(importing.create_from_archive(owner, archive_of(a__png=b"<svg/>"), "a.zip"))
    assert job.status == Status.FAILED
    assert job.error_message == job.entries.get().error_message != ""
    job = run(importing.create_from_archive(owner, archive_of(a__png=b"?", b__png=b"!"), "a.zip"))
    assert job.error_message == "None of these 2 could be imported. The list says why."


@pytest.mark.parametrize(
    ("file", "code"),
    [
        (b"", "bad_archive"),
        (b"no archive", "bad_archive"),
        (archive_of(notes__txt="x").getvalue(), "no_images_in_archive"),
        (bytes(2000), "too_big"),
    ],
)
def test_a_bad_archive_is_refused_and_leaves_nothing(owner, settings, file, code):
    settings.MAX_IMPORT_BYTES = 1999
    with pytest.raises(ImportRefused) as caught:
        importing.create_from_archive(owner, io.BytesIO(file), "a.zip")
    assert caught.value.code == code
    assert caught.value.message.endswith(".")
    assert list(settings.SPOOL_DIR.iterdir()) == []
    assert not Import.objects.exists()


def test_a_killed_import_goes_on_and_doubles_nothing(job, monkeypatch):
    commit, calls = ingest.commit, []

    def killed_at_the_second(*args, **kwargs):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return commit(*args, **kwargs)

    monkeypatch.setattr(ingest, "commit", killed_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        importing.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.done) == (Status.RUNNING, 1)
    run(job)  # its lease is still held
    assert job.done == 1
    Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    run(job)
    assert (job.status, job.done, Image.objects.count()) == (Status.DONE, 3, 3)


def test_a_worker_that_lost_its_lease_can_commit_nothing(job, monkeypatch):
    prepare = ingest.prepare

    def overtaken(*args, **kwargs):
        Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        leases.claim(Import.objects.filter(pk=job.pk))
        return prepare(*args, **kwargs)

    monkeypatch.setattr(ingest, "prepare", overtaken)
    run(job)
    assert (job.status, job.done, Image.objects.count()) == (Status.RUNNING, 0, 0)
    assert not list(storage_files())


def storage_files():
    from django.conf import settings

    return [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]


def test_a_running_import_stops_before_its_next_entry(job, settings, monkeypatch):
    prepare = ingest.prepare

    def stopped(*args, **kwargs):
        importing.cancel(job)
        return prepare(*args, **kwargs)

    monkeypatch.setattr(ingest, "prepare", stopped)
    run(job)
    assert (job.status, job.done, Image.objects.count()) == (Status.CANCELLED, 1, 1)
    assert list(settings.SPOOL_DIR.iterdir()) == []


def test_a_waiting_import_stops_at_once(job, settings):
    importing.cancel(job)
    run(job)
    assert (job.status, job.done) == (Status.CANCELLED, 0)
    assert list(settings.SPOOL_DIR.iterdir()) == []
    importing.cancel(job)
    assert run(job).status == Status.CANCELLED


def test_a_full_disk_lets_the_rest_wait(job, monkeypatch):
    full = storage.storage_full()
    put = storage.put
    monkeypatch.setattr(storage, "put", lambda *args, **kwargs: (_ for _ in ()).throw(full))
    run(job)
    assert (job.status, job.done, job.error_message) == (Status.QUEUED, 0, full.message)
    run(job)
    assert job.status == Status.QUEUED  # not before its time
    monkeypatch.setattr(storage, "put", put)
    Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    run(job)
    assert (job.status, job.done, job.error_message) == (Status.DONE, 3, "")


def test_one_odd_file_does_not_stop_the_others(job, monkeypatch, caplog):
    prepare = ingest.prepare

    def odd(owner, stream, *, file_name, **kwargs):
        if file_name == "b.png":
            raise ZeroDivisionError
        return prepare(owner, stream, file_name=file_name, **kwargs)

    monkeypatch.setattr(ingest, "prepare", odd)
    run(job)
    assert [state for _, state, _ in outcomes(job)] == [State.ADDED, State.FAILED, State.ADDED]
    assert "ZeroDivisionError" in caplog.text


def test_an_archive_that_is_gone_is_said(job, settings):
    for path in settings.SPOOL_DIR.iterdir():
        path.unlink()
    run(job)
    assert (job.status, job.error_message) == (
        Status.FAILED,
        "The archive is not here any more. Add it again.",
    )


def test_recover_wakes_what_nobody_is_at_once(job):
    importing.recover()
    assert not QueuedTask.objects.exists()  # its own wake-up is on the way
    Import.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    importing.recover()
    importing.recover()
    assert QueuedTask.objects.get().args == [job.pk]
    QueuedTask.objects.all().delete()
    leases.claim(Import.objects.filter(pk=job.pk), status=Status.RUNNING)
    importing.recover()
    assert not QueuedTask.objects.exists()
    Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    importing.recover()
    assert QueuedTask.objects.count() == 1
    run(job)
    QueuedTask.objects.all().delete()
    importing.recover()
    assert not QueuedTask.objects.exists()


def test_sweeping_clears_only_archives_that_no_job_needs(job, settings, monkeypatch):
    (settings.SPOOL_DIR / "import-left").write_bytes(b"x")
    import_sources.sweep_archives()
    assert len(list(settings.SPOOL_DIR.iterdir())) == 2
    monkeypatch.setattr("gallery.imports.import_sources.ARCHIVE_SECONDS", -1)
    import_sources.sweep_archives()
    assert [path.name for path in settings.SPOOL_DIR.iterdir()] == [job.archive_spool]


# --- Addresses ------------------------------------------------------------------------------------


def test_addresses_are_cleaned_and_named_once(owner, other):
    job = importing.create_from_urls(
        owner, ["http://a.example/1.png", " ", "\0", " http://a.example/1.png\n"]
    )
    assert outcomes(job) == [("http://a.example/1.png", State.WAITING, "")]
    assert not Import.objects.owned_by(other).exists()


@pytest.mark.parametrize(
    ("urls", "code"),
    [
        ([], "no_addresses"),
        ([" ", ""], "no_addresses"),
        ([f"http://a.example/{n}" for n in range(501)], "too_many_addresses"),
        (["http://a.example/" + "x" * 2000], "invalid_address"),
    ],
)
def test_bad_lists_of_addresses_are_refused(owner, urls, code):
    with pytest.raises(ImportRefused) as caught:
        importing.create_from_urls(owner, urls)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


class Site(BaseHTTPRequestHandler):
    """A small web site: path → (status, content type, body)."""

    pages = {
        "/my%20red.png": (200, "image/png", picture_bytes("#f00")),
        "/green": (200, "text/plain", picture_bytes("#0f0")),
        "/page": (200, "text/html; charset=utf-8", b"<html>"),
        "/big": (200, "image/png", bytes(99_000)),
    }

    def do_GET(self):
        status, content_type, body = self.pages.get(self.path, (404, "text/plain", b""))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Stay silent."""


@pytest.fixture
def site(settings):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host = f"127.0.0.1:{server.server_port}"
    settings.ALLOWED_PRIVATE_HOSTS = [host]
    yield f"http://{host}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_addresses_come_in_side_by_side(owner, site, settings):
    settings.MAX_IMPORT_BYTES = 90_000
    urls = [f"{site}/{path}" for path in ("my%20red.png", "green", "page", "gone", "big")]
    tags = tagging.resolve(owner, ["rain"])
    job = run(importing.create_from_urls(owner, [*urls, "http://127.0.0.1:1/x", "ftp://x"], tags))
    assert [(state, code) for _, state, code in outcomes(job)] == [
        (State.ADDED, ""),
        (State.ADDED, ""),
        (State.FAILED, "unsupported_type"),
        (State.FAILED, "http_status"),
        (State.FAILED, "too_big"),
        (State.FAILED, "blocked_address"),
        (State.FAILED, "invalid_address"),
    ]
    assert (job.status, job.done) == (Status.DONE, 7)
    red = job.entries.first().image
    assert (red.file_name, red.source_url) == ("my red.png", urls[0])
    assert tags[0].count.n == 2
    assert list(settings.SPOOL_DIR.iterdir()) == []


@pytest.mark.django_db(transaction=True)
def test_stopping_addresses_leaves_those_that_wait(owner, site, monkeypatch):
    prepare = ingest.prepare

    def stopped(*args, **kwargs):
        importing.cancel(job)
        return prepare(*args, **kwargs)

    monkeypatch.setattr(ingest, "prepare", stopped)
    monkeypatch.setattr("gallery.imports.importing.AT_ONCE", 1)
    job = importing.create_from_urls(owner, [f"{site}/green", f"{site}/my%20red.png"])
    run(job)
    assert (job.status, job.done) == (Status.CANCELLED, 1)
    assert [state for _, state, _ in outcomes(job)] == [State.ADDED, State.WAITING]
