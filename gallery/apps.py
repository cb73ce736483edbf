from django.apps import AppConfig


class GalleryConfig(AppConfig):
    name = "gallery"
    verbose_name = "Library"

    def ready(self):
        from gallery import accounts, check_places, checks, statement_timeout  # noqa: F401  what they register

        statement_timeout.watch_migrations()
