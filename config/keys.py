"""Secrets that are made once and kept in DATA_DIR, readable by their owner alone."""

import os
import secrets
import stat
from pathlib import Path

from cryptography.fernet import Fernet


def make_secret_key() -> str:
    return secrets.token_urlsafe(50)


def make_fernet_key() -> str:
    return Fernet.generate_key().decode()


def read_or_make(path: Path, make) -> str:
    """Return the secret kept in `path`; make it, mode 0600 and synced to disk, when there is none.

    Exits with one line when the folder cannot be written or others can read the file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as exc:
        raise SystemExit(
            f"The data folder {path.parent} cannot be written ({exc.strerror}). "
            "Make it writable or set DATA_DIR to another folder."
        ) from exc
    with os.fdopen(descriptor, "w") as file:
        secret = make()
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    return secret


def _read(path: Path) -> str:
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SystemExit(f"{path} can be read by others. Run: chmod 600 {path}")
        return path.read_text().strip()
    except OSError as exc:
        raise SystemExit(f"{path} cannot be read ({exc.strerror}). Check who owns the file.") from exc
