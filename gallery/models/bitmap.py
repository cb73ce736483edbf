from django.db import models

from gallery.models.tag import Tag


class TagBitmap(models.Model):
    """Keys of the pictures outside the trash that carry a tag: one Roaring bitmap for each 65,536 keys.

    In pieces, so that tagging one picture writes 8 kB at most, however many carry the tag.
    """

    pk = models.CompositePrimaryKey("tag", "piece")
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+", db_index=False)
    piece = models.IntegerField()  # key of the picture >> 16
    keys = models.BinaryField()  # pyroaring.BitMap, serialised

    def __str__(self):
        return f"{self.tag_id}, piece {self.piece}"
