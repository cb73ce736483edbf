import io
import zipfile

import pytest

from gallery import bulk, ingest, tagging
from gallery.bulk import BulkError
from gallery.files import downloads, storage
from gallery.models import Download, Image

STYLES = ["#102030", "#405060", "#708090"]


@pytest.fixture
def images(owner, picture):
    return [ingest.store(owner, picture(color), source="upload").image for color in STYLES]


def chosen(owner, images):
    return bulk.by_ids(owner, [image.public_id for image in images])


@pytest.fixture
def download(owner, images):
    return downloads.create(chosen(owner, images))


def opened(data):
    return zipfile.ZipFile(io.BytesIO(data))


def test_a_download_holds_the_pictures_and_says_its_length(owner_client, download, picture):
    response = owner_client.get(download.get_absolute_url())
    data = response.getvalue()

    assert response["Content-Length"] == str(len(data)) == str(download.bytes)
    assert response["Content-Type"] == "application/zip"
    assert response["Content-Disposition"].startswith("attachment; filename=")
    with opened(data) as file:
        assert file.testzip() is None
        assert [file.read(name) for name in file.namelist()] == [picture(color) for color in STYLES]


def test_a_download_is_404_to_others_staff_and_strangers(client, other_client, staff, download):
    address = download.get_absolute_url()
    assert other_client.get(address).status_code == 404
    assert client.get(address).status_code == 404
    client.force_login(staff)
    assert client.get(address).status_code == 404


def test_a_download_goes_on_where_it_was_cut_off(owner_client, download):
    whole = owner_client.get(download.get_absolute_url())
    again = {"Range": "bytes=300-", "If-Range": whole["ETag"]}
    rest = owner_client.get(download.get_absolute_url(), headers=again)

    place = f"bytes 300-{download.bytes - 1}/{download.bytes}"
    assert (rest.status_code, rest["Content-Range"]) == (206, place)
    assert rest.getvalue() == whole.getvalue()[300:]


def test_a_range_of_another_archive_is_answered_with_the_whole(owner_client, download):
    headers = {"Range": "bytes=300-", "If-Range": '"another"'}
    response = owner_client.get(download.get_absolute_url(), headers=headers)
    assert (response.status_code, len(response.getvalue())) == (200, download.bytes)


def test_a_range_behind_the_end_is_416(owner_client, download):
    headers = {"Range": f"bytes={download.bytes}-"}
    assert owner_client.get(download.get_absolute_url(), headers=headers).status_code == 416


def test_head_tells_the_length_alone(owner_client, download):
    response = owner_client.head(download.get_absolute_url())
    assert (response["Content-Length"], response.content) == (str(download.bytes), b"")


def test_nothing_changes_when_pictures_are_renamed_or_deleted_meanwhile(owner_client, download, images):
    before = owner_client.get(download.get_absolute_url()).getvalue()
    Image.objects.update(title="Another name")
    images[0].delete()

    assert owner_client.get(download.get_absolute_url()).getvalue() == before


def test_names_tell_the_day_and_title_tags_or_file_and_are_unlike_each_other(owner, images):
    images[0].title, images[1].title = "Fox: “a/b”?", "fox   “a b”"
    for image in images[:2]:
        image.save(update_fields=["title"])
    tagging.add(images[2:], tagging.resolve(owner, ["forest", "character:Mirel"]))
    day = images[0].created_at.date().isoformat()

    names = [entry.name for entry in downloads.entries(downloads.create(chosen(owner, images)))]

    assert names == [f"{day} Fox “a b”.png", f"{day} fox “a b” (2).png", f"{day} Mirel, forest.png"]


@pytest.mark.parametrize(
    "title", ["../../etc/passwd", "a\\b", "con", "x" * 200, "dots. . .", "\u202egnp.exe", "🦊"]
)
def test_names_are_safe_on_every_system(owner, images, title):
    images[0].title = title
    images[0].save(update_fields=["title"])

    (entry,) = downloads.entries(downloads.create(chosen(owner, images[:1])))

    assert not set(entry.name) & set('/\\:*?"<>|\u202e')
    assert entry.name.endswith(".png")
    assert not entry.name.removesuffix(".png").endswith((".", " "))
    assert len(entry.name.encode()) < 255


def test_a_picture_whose_file_is_missing_is_named_in_a_text(owner, owner_client, images):
    storage.delete(images[1].storage_key)
    download = downloads.create(chosen(owner, images))

    with opened(owner_client.get(download.get_absolute_url()).getvalue()) as file:
        assert file.testzip() is None
        assert len(file.namelist()) == 3
        assert images[1].created_at.date().isoformat() in file.read("Missing images.txt").decode()
    assert download.n == 2


def test_a_file_that_goes_missing_later_spoils_no_other_one(owner_client, download, images):
    storage.delete(images[1].storage_key)

    data = owner_client.get(download.get_absolute_url()).getvalue()

    assert len(data) == download.bytes
    with opened(data) as file:
        assert file.testzip() == file.namelist()[1]
        assert file.read(file.namelist()[2])


def test_a_download_is_called_after_its_search(owner, images):
    tagging.add(images, tagging.resolve(owner, ["character:Mirel"]))
    assert downloads.create(bulk.by_query(owner, "character:Mirel")).name.startswith("character Mirel 20")


def test_an_empty_selection_makes_no_download(owner):
    with pytest.raises(BulkError, match="Load the page again"):
        downloads.create(bulk.by_query(owner, ""))
    assert not Download.objects.exists()


@pytest.mark.s3
def test_a_download_comes_from_s3_whole_and_in_part(owner, owner_client, picture, settings, s3_server):
    s3_server.make_bucket("pictures")
    options = s3_server.options("pictures")
    settings.MEDIA_STORAGE = "s3"
    backend = {"BACKEND": "gallery.files.s3.PrivateS3Storage", "OPTIONS": options}
    settings.STORAGES = settings.STORAGES | {"default": backend}
    images = [ingest.store(owner, picture(color), source="upload").image for color in STYLES]
    storage.delete(images[1].storage_key)
    download = downloads.create(chosen(owner, images))

    whole = owner_client.get(download.get_absolute_url()).getvalue()
    with opened(whole) as file:
        assert file.testzip() is None
        assert file.namelist()[-1] == "Missing images.txt"
    rest = owner_client.get(download.get_absolute_url(), headers={"Range": "bytes=100-"})
    assert rest.getvalue() == whole[100:]
