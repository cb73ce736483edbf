from django.db import models


class CacheEntry(models.Model):
    """A row of Django's database cache, which makes its table outside of the migrations.

    Here the table comes with all others. Counts of failed log-ins are in it: they hold for every process.
    """

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name_plural = "cache entries"
        db_table = "gallery_cache"
        default_permissions = ()

    def __str__(self):
        return self.cache_key
