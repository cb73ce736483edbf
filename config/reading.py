"""Reading variables that can be written wrongly; each mistake is one line that says what to write."""

from importlib.util import find_spec
from ipaddress import ip_network
from urllib.parse import unquote, urlsplit

import environ


def whole_number(env: environ.Env, name: str, default: int) -> int:
    text = env.str(name, default=str(default))
    if not text.isdecimal():
        raise SystemExit(f"{name} must be a whole number such as {default}, not {text!r}.")
    return int(text)


def required(env: environ.Env, name: str, reason: str) -> str:
    value = env.str(name, default="")
    if not value:
        raise SystemExit(f"{name} must be set, because of {reason}.")
    return value


def database(env: environ.Env, name: str, default: str) -> dict:
    """Django's description of the database that the variable names."""
    if not env.str(name, default=default).startswith(("sqlite:///", "postgres://", "postgresql://")):
        raise SystemExit(f"{name} must begin with postgres:// or sqlite:///.")
    return env.db_url(name, default=default)


def broker(env: environ.Env, name: str) -> str:
    """The address of the broker; "" for the embedded worker."""
    address = env.str(name, default="")
    if address and not address.startswith(("redis://", "rediss://", "amqp://", "amqps://")):
        raise SystemExit(f"{name} must begin with redis:// or amqp://, or be left out.")
    if address and find_spec("celery") is None:
        install = "pip install --require-hashes --no-deps -r requirements-scale.txt"
        raise SystemExit(f"{name} needs Celery, which is not installed. Run: .venv/bin/{install}")
    return address


def secrets(env: environ.Env, *known: str) -> list[str]:
    """Everything in the environment that logs must not show: `known`, and passwords of services."""
    named = [env.str(name, default="") for name in ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID")]
    addresses = [env.str(name, default="") for name in ("DATABASE_URL", "CACHE_URL", "BROKER_URL")]
    passwords = [_password(address) for address in addresses]
    return [*known, *named, *passwords, *map(unquote, passwords)]


def _password(address: str) -> str:
    try:
        return urlsplit(address).password or ""
    except ValueError:
        return ""  # whoever uses the address says what is wrong with it


def networks(env: environ.Env, name: str, default: list[str]) -> list[str]:
    """Addresses and networks, such as 10.0.0.0/8."""
    texts = [text.strip() for text in env.list(name, default=default) if text.strip()]
    for text in texts:
        try:
            ip_network(text, strict=False)
        except ValueError:
            raise SystemExit(
                f"{name} takes addresses and networks such as 10.0.0.0/8, not {text!r}."
            ) from None
    return texts
