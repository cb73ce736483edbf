"""Searches that are kept: by name, or because they were made lately."""

from urllib.parse import urlencode

from django.db import models
from django.urls import reverse

from gallery.models.base import Owned, OwnedQuerySet
from gallery.models.tag import fold


class SavedSearch(Owned):
    """A search with a name. The query is the address; this only remembers it."""

    name = models.CharField(max_length=80)
    folded = models.CharField(max_length=160, editable=False)  # `fold(name)`
    query = models.TextField(blank=True)  # as in the search box
    sort = models.CharField(max_length=10, blank=True)  # as in the address; empty: newest first
    pinned = models.BooleanField(default=True)  # stands in the side bar
    position = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "saved searches"
        ordering = ["position", "folded"]
        constraints = [models.UniqueConstraint(fields=["owner", "folded"], name="saved_search_name_once")]

    def __str__(self):
        return self.name

    def save(self, **kwargs):
        self.folded = fold(self.name)
        super().save(**kwargs)

    def get_absolute_url(self):
        asked = {name: value for name, value in (("q", self.query), ("sort", self.sort)) if value}
        return f"{reverse('index')}?{urlencode(asked)}"


class RecentSearch(models.Model):
    """A query that a person has sent lately."""

    owner = models.ForeignKey("gallery.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    query = models.CharField(max_length=500)
    used_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "recent searches"
        constraints = [models.UniqueConstraint(fields=["owner", "query"], name="recent_search_once")]
        indexes = [models.Index(fields=["owner", "-used_at"], name="recent_search_owner")]

    def __str__(self):
        return self.query
