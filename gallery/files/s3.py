"""A private bucket of an S3 server as the store. Only installations that use one load boto3 for it."""

import base64
import functools
import hashlib
import io
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.deconstruct import deconstructible
from storages.backends.s3 import S3Storage

from gallery.files.storage import StorageError, StoredFile, storage_full, unreachable

MISSING = {"404", "NoSuchKey", "NotFound"}
FULL = {"507", "QuotaExceeded", "InsufficientCapacity", "XMinioStorageFull"}
SAME_BYTES = {"412", "PreconditionFailed"}  # to a key with a checksum: what is to be stored is there
SIGNED_CACHE = "private, max-age=86400"

# Waiting for a server that does not answer, in seconds.
CONNECT, READ = 2, 10
PROBE_CONNECT, PROBE_READ = 1, 1.8  # together less than the three seconds that a person may wait
PROBE_KEY = "probe"
KNOWN_GOOD = 5.0  # a store that took something is not asked again for so long
AWAY = 5.0  # and one that did not answer is left alone: whoever waits for it waits once


@deconstructible(path="gallery.files.s3.PrivateS3Storage")
class PrivateS3Storage(S3Storage):
    """Objects that nobody can read without our signature, which is good for five minutes at most."""

    def __init__(self, **options):
        # Path addressing: a server of one's own seldom has a name per bucket.
        addressing: Literal["path", "virtual"] = "path" if options.get("endpoint_url") else "virtual"
        self._answers = _Answers()
        super().__init__(
            **options,
            default_acl=None,
            file_overwrite=False,
            querystring_auth=True,
            querystring_expire=settings.SIGNED_ADDRESS_SECONDS,
            signature_version="s3v4",
            addressing_style=addressing,
            custom_domain=None,  # django-storages does not sign addresses of a custom domain
            client_config=Config(
                signature_version="s3v4",
                s3={"addressing_style": addressing},
                connect_timeout=CONNECT,
                read_timeout=READ,
                retries={"total_max_attempts": 3, "mode": "standard"},
                request_checksum_calculation="when_required",  # older servers know no other checksums
                response_checksum_validation="when_required",
                max_pool_connections=24,
            ),
        )

    @functools.cached_property
    def client(self):
        """One client for all threads; it is safe to share, and each costs some megabytes."""
        return self.connection.meta.client

    @functools.cached_property
    def hasty_client(self):
        """Another client, for a question that is answered at once or not at all."""
        config = self.client_config.merge(
            Config(connect_timeout=PROBE_CONNECT, read_timeout=PROBE_READ, retries={"total_max_attempts": 1})
        )
        return self._create_session().client(
            "s3", region_name=self.region_name, use_ssl=self.use_ssl, endpoint_url=self.endpoint_url,
            config=config, verify=self.verify,
        )  # fmt: skip

    def probe(self) -> None:
        """Write a few bytes, unless the store took some just now."""
        if self._answers.were_good():
            return
        with self._asked():
            self.hasty_client.put_object(**self._address(PROBE_KEY), Body=b"Can this be written?")

    def put(self, key: str, source: Path | bytes, content_type: str, sha256_hex: str | None = None) -> None:
        if isinstance(source, Path):
            with source.open("rb") as file:
                digest = sha256_hex or hashlib.file_digest(file, "sha256").hexdigest()
                file.seek(0)
                self._put(key, file, content_type, digest, replace=not sha256_hex)
        else:
            digest = sha256_hex or hashlib.sha256(source).hexdigest()
            self._put(key, source, content_type, digest, replace=not sha256_hex)

    def _put(
        self, key: str, body: BinaryIO | bytes, content_type: str, digest: str, *, replace: bool
    ) -> None:
        """Store with a checksum the server verifies. Keys that hold a checksum are written once only."""
        once = {} if replace else {"IfNoneMatch": "*"}
        with self._asked():
            try:
                self.client.put_object(
                    **self._address(key),
                    Body=body,
                    ContentType=content_type,
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(digest)).decode(),
                    **once,
                )
            except ClientError as exc:
                if _code(exc) not in SAME_BYTES:
                    raise

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """Explain what goes wrong, and ask nothing of a server that has just not answered."""
        self._answers.raise_if_away()
        try:
            with explained():
                yield
        except StorageError as exc:
            self._answers.note(away=isinstance(exc.__cause__, BotoCoreError))
            raise
        self._answers.note(good=True)

    def open_to_read(self, key: str, offset: int = 0) -> BinaryIO:
        part = {"Range": f"bytes={offset}-"} if offset else {}
        with self._asked():
            body = self.client.get_object(**self._address(key), **part)["Body"]
            return cast(BinaryIO, io.BufferedReader(_Body(body), 1 << 18))

    def exists(self, name: str) -> bool:
        try:
            self.size(name)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        with self._asked():
            return self.client.head_object(**self._address(name))["ContentLength"]

    def delete(self, name: str) -> None:
        with self._asked():
            self.client.delete_object(**self._address(name))

    def url(self, name, **kwargs):
        raise ValueError("Pictures have no public address. Use gallery.files.media to make a signed one.")

    def signed_address(self, key: str, seconds: int, disposition: str, content_type: str) -> str:
        answer = {"ResponseContentType": content_type, "ResponseCacheControl": SIGNED_CACHE}
        if disposition:  # an original
            answer |= {"ResponseContentDisposition": disposition, "ResponseCacheControl": "private, no-store"}
        with explained():
            return self.client.generate_presigned_url(
                "get_object",
                Params=self._address(key) | answer,
                ExpiresIn=min(seconds, settings.SIGNED_ADDRESS_SECONDS),
            )

    def files(self, folder: str) -> Iterator[StoredFile]:
        start = self._normalize_name("")
        with self._asked():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket_name, Prefix=self._normalize_name(folder) + "/"
            )
            for entry in (entry for page in pages for entry in page.get("Contents", ())):
                key = entry["Key"].removeprefix(start).lstrip("/")
                yield StoredFile(key=key, bytes=entry["Size"], modified=entry["LastModified"])

    def _address(self, key: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(key)}


class _Answers:
    """Whether the server answered lately. Kept for each process; threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._good = self._away = float("-inf")  # when, by the monotonic clock

    def note(self, *, good: bool = False, away: bool = False) -> None:
        now = time.monotonic()
        with self._lock:
            self._good = now if good else float("-inf") if away else self._good
            self._away = now if away else float("-inf") if good else self._away

    def were_good(self) -> bool:
        return time.monotonic() - self._good < KNOWN_GOOD

    def raise_if_away(self) -> None:
        if time.monotonic() - self._away < AWAY:
            raise unreachable()


class _Body(io.RawIOBase):
    """An object's bytes as they come, whose errors are ours."""

    def __init__(self, body: Any):
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with explained():
            piece = self._body.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._body.close()
        super().close()


@contextmanager
def explained() -> Iterator[None]:
    """Turn boto's exceptions into `FileNotFoundError` and `StorageError`."""
    try:
        yield
    except ClientError as exc:
        raise _explain(exc) from exc
    except BotoCoreError as exc:
        raise unreachable() from exc


def _explain(exc: ClientError) -> StorageError | FileNotFoundError:
    if _code(exc) in MISSING:
        return FileNotFoundError("The file is missing from storage.")
    return storage_full() if _code(exc) in FULL else unreachable()


def _code(exc: ClientError) -> str:
    return str(exc.response.get("Error", {}).get("Code", ""))
