from django.apps import AppConfig


class GalleryConfig(AppConfig):
    name = "gallery"
    verbose_name = "Library"

    def ready(self):
        from gallery import accounts, checks  # noqa: F401  registers the system checks, and what log-ins do
