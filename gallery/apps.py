from django.apps import AppConfig


class GalleryConfig(AppConfig):
    name = "gallery"
    verbose_name = "Library"

    def ready(self):
        from gallery import (  # noqa: F401  what they register
            accounts,
            check_hosts,
            check_machines,
            check_places,
            checks,
            statement_timeout,
            upgrading,
        )

        statement_timeout.watch_migrations()
        upgrading.watch_migrations()
