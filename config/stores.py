"""The places where pictures can be kept, each as Django's STORAGES wants it."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

from config import reading


def local(media_root: Path) -> dict[str, Any]:
    return {"BACKEND": "gallery.files.storage.DurableLocalStorage", "OPTIONS": {"location": media_root}}


def s3(env: environ.Env, *, wanted: bool) -> dict[str, Any] | None:
    """The bucket, or None where none is named. Ends the start when it is `wanted` then."""
    if wanted:
        reading.required(env, "AWS_STORAGE_BUCKET_NAME", "MEDIA_STORAGE=s3")
    bucket = env.str("AWS_STORAGE_BUCKET_NAME", default="")
    options = {
        "bucket_name": bucket,
        "endpoint_url": env.str("AWS_S3_ENDPOINT_URL", default="") or None,
        "region_name": env.str("AWS_S3_REGION_NAME", default="us-east-1"),
        "access_key": env.str("AWS_ACCESS_KEY_ID", default="") or None,
        "secret_key": env.str("AWS_SECRET_ACCESS_KEY", default="") or None,
        "location": env.str("AWS_LOCATION", default=""),
    }
    return {"BACKEND": "gallery.files.s3.PrivateS3Storage", "OPTIONS": options} if bucket else None


def origins(store: dict[str, Any]) -> list[str]:
    """Where a browser finds what the bucket holds, for the Content-Security-Policy."""
    bucket, region = store["OPTIONS"]["bucket_name"], store["OPTIONS"]["region_name"]
    if endpoint := store["OPTIONS"]["endpoint_url"]:
        return ["{0.scheme}://{0.netloc}".format(urlsplit(endpoint))]
    return [f"https://{bucket}.{host}.amazonaws.com" for host in ("s3", f"s3.{region}")]
