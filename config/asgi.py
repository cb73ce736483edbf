"""The whole site as one ASGI application: `manage.py serve`, or `uvicorn config.asgi:application`."""

import os

from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = WSGIMiddleware(get_wsgi_application(), workers=24)  # type: ignore[arg-type]

from config.shell import Shell  # noqa: E402  it needs Django's settings, which are ready only now

application = Shell(django)
