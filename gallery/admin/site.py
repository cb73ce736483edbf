from allauth.account.decorators import secure_admin_login
from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.decorators import login_not_required
from django.utils.decorators import method_decorator

from gallery.admin import dashboard, sections
from gallery.files import scrubbing


class Site(AdminSite):
    site_title = f"{settings.SITE_NAME} administration"
    site_header = f"{settings.SITE_NAME} administration"
    index_title = "Overview"

    @method_decorator(secure_admin_login)
    @method_decorator(login_not_required)
    def login(self, request, extra_context=None):
        return super().login(request, extra_context)

    def get_app_list(self, request, app_label=None):
        apps = super().get_app_list(request, app_label)
        return apps if app_label else sections.arrange(apps)

    def index(self, request, extra_context=None):
        """With how everything is, for whoever looks after the server."""
        originals = scrubbing.latest()
        panels = dashboard.read(request, originals)
        return super().index(request, {"originals": originals, "panels": panels} | (extra_context or {}))
