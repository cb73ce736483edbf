from django.apps import AppConfig


class GalleryConfig(AppConfig):
    name = "gallery"
    verbose_name = "Library"

    def ready(self):
        from gallery import accounts, statement_timeout  # noqa: F401  what it registers
        from gallery.backups import upgrading
        from gallery.systemchecks import (  # noqa: F401  what they register
            check_hosts,
            check_machines,
            check_places,
            checks,
        )

        statement_timeout.watch_migrations()
        upgrading.watch_migrations()
