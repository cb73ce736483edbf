from django.db import models


class LibraryCount(models.Model):
    """How many pictures an owner has outside the trash, up to a key; those after it are few and counted."""

    owner = models.OneToOneField(
        "gallery.User", on_delete=models.CASCADE, primary_key=True, related_name="library_count"
    )
    up_to = models.BigIntegerField()
    n = models.PositiveIntegerField()

    def __str__(self):
        return f"{self.n} up to {self.up_to}"
