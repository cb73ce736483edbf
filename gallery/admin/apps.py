from importlib import import_module

from django.contrib.admin.apps import AdminConfig as DjangoAdminConfig

PAGES = (
    "accounts", "connections", "duplicates", "imports", "many", "pictures", "prompts", "queue", "tags",
    "work",
)  # fmt: skip


class AdminConfig(DjangoAdminConfig):
    """Django admin in our colours; log-in is the product's own, with its rate limits."""

    default = False
    default_site = "gallery.admin.site.Site"

    def ready(self):
        super().ready()
        for name in PAGES:
            import_module(f"gallery.admin.{name}")
