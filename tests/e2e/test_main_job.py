"""The main job, end to end: upload, import, generate, tag, find again; whatever happens in between."""

import io
import os
import zipfile
from urllib.parse import quote

import pytest

from tests.conftest import picture_bytes
from tests.e2e.client import ApiClient
from tests.e2e.conftest import Server, running

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

MIREL = "character:Mirel"


def pictures_zip(count: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(count):
            archive.writestr(f"album/{number:02}.png", picture_bytes(f"#{number * 7:02x}3060", (120, 160)))
        archive.writestr("album/notes.txt", "not a picture")
    return file.getvalue()


def upload_import_generate(api: ApiClient, picture_server: str, restart) -> None:
    """What a person does in the first minutes, by the API, with a restart while pictures are drawn."""
    files = {f"{name}.png": picture_bytes(name) for name in ("red", "green", "blue")}
    status, answer = api.send_files("/images", "file", files, tags=["tag:uploaded by hand"])
    assert (status, len(answer["items"]), answer["errors"]) == (201, 3, [])

    addresses = [f"{picture_server}/1.png", f"{picture_server}/2.png", "http://10.0.0.1/private.png"]
    status, job = api.call("POST", "/imports", {"urls": addresses, "tags": ["chat:The Long Night"]})
    assert status == 202, job
    job = api.wait(f"/imports/{job['id']}", lambda answer: answer["status"] == "done")
    assert (len(job["images"]), len(job["errors"]), job["done"]) == (2, 1, 3)

    status, job = api.send_files("/imports", "archive", {"album.zip": pictures_zip(20)}, tags=["album"])
    assert status == 202, job
    wish = {"prompt": "a lighthouse in a storm", "n": 4, "tags": [MIREL]}
    status, asked = api.call("POST", "/generations", wish, Idempotency_Key="once")
    assert status == 202, asked
    assert api.call("POST", "/generations", wish, Idempotency_Key="once")[1]["id"] == asked["id"]
    restart()
    job = api.wait(f"/imports/{job['id']}", lambda answer: answer["status"] == "done")
    assert len(job["images"]) == 20
    over = {"done", "failed", "partial", "unknown", "refused", "cancelled"}
    asked = api.wait(f"/generations/{asked['id']}", lambda answer: answer["status"] in over)
    assert (asked["status"], len(asked["images"])) == ("done", 4)


def check_library(api: ApiClient) -> None:
    everything = api.get("/images?limit=200")
    assert len(everything["items"]) == 29
    assert len(api.get(f"/images?q={quote(MIREL)}")["items"]) == 4
    assert len(api.get("/images?q=lighthouse")["items"]) == 4
    assert len(api.get(f"/images?q={quote('chat:"The Long Night"')}")["items"]) == 2
    assert len(api.get("/images?q=-source:generated&limit=200")["items"]) == 25
    for image in everything["items"][:5]:
        original = api.call("GET", f"/images/{image['id']}/original")[1]
        thumbnail = api.call("GET", f"/images/{image['id']}/thumbnail?size=320")[1]
        assert original[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0")
        assert thumbnail[:4] == b"RIFF"


def main_job(tmp_path, picture_server, **variables):
    host = picture_server.removeprefix("http://")
    server = Server(tmp_path, ALLOWED_PRIVATE_HOSTS=host, **variables)
    with running(server):
        make_account(server)
        token = server.manage("create_api_token", "ada").strip().splitlines()[-1]

        def restart():
            server.kill()
            server.start()

        upload_import_generate(ApiClient(server.address, token), picture_server, restart)
        check_library(ApiClient(server.address, token))
        assert server.stop() == 0


def make_account(server: Server) -> None:
    server.manage(
        "shell", "-c", "from gallery.accounts import create_owner; create_owner('ada', 'moonlit-harbour')"
    )
    server.manage("add_profile", "ada", "Demo", "--provider", "demo", "--default")


def test_on_sqlite_and_local_files(tmp_path, picture_server):
    main_job(tmp_path, picture_server)


@pytest.mark.s3
def test_with_pictures_in_s3(tmp_path, picture_server, s3_server):
    s3_server.make_bucket("main-job")
    main_job(
        tmp_path, picture_server, MEDIA_STORAGE="s3", AWS_STORAGE_BUCKET_NAME="main-job",
        AWS_S3_ENDPOINT_URL=s3_server.address, AWS_ACCESS_KEY_ID=s3_server.key,
        AWS_SECRET_ACCESS_KEY=s3_server.secret,
    )  # fmt: skip


@pytest.mark.postgres
def test_on_postgresql(tmp_path, picture_server, postgres_database):
    main_job(tmp_path, picture_server, DATABASE_URL=postgres_database)


@pytest.fixture
def postgres_database():
    """An empty database that is gone afterwards; its address."""
    import psycopg

    root = os.environ.get("TEST_DATABASE_URL", "postgres://postgres@127.0.0.1:5432/postgres")
    name = f"main_job_{os.getpid()}"
    with psycopg.connect(root, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield root.rpartition("/")[0] + "/" + name
    with psycopg.connect(root, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
