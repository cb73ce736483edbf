"""Reading variables that can be written wrongly; each mistake is one line that says what to write."""

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
