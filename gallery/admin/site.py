from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.utils.decorators import method_decorator

from gallery import scrubbing


class Site(AdminSite):
    site_title = f"{settings.SITE_NAME} administration"
    site_header = f"{settings.SITE_NAME} administration"
    index_title = "Overview"

    @method_decorator(secure_admin_login)
    @method_decorator(login_not_required)
    def login(self, request, extra_context=None):
        return super().login(request, extra_context)

    def index(self, request, extra_context=None):
        """With what is known of the originals' health: it is for everybody who looks after the server."""
        return super().index(request, (extra_context or {}) | {"originals": scrubbing.latest()})
