"""The whole site as one ASGI application: `manage.py serve`, or `uvicorn config.asgi:application`."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django = get_wsgi_application()

from config.bridge import Bridge  # noqa: E402  these need Django's settings, which are ready only now
from config.shell import Shell  # noqa: E402

application = Shell(Bridge(django))
