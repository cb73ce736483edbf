import random

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from gallery.language.wording import gettext_lazy
from gallery.models.base import Owned, OwnedQuerySet
from gallery.models.tag import Tag, words


def draw() -> int:
    """A number of 31 bits that nothing depends on."""
    return random.getrandbits(31)


class ImageQuerySet(OwnedQuerySet):
    def live(self):
        """Outside the trash."""
        return self.filter(trashed_at=None)

    def trashed(self):
        return self.exclude(trashed_at=None)


class Image(Owned):
    """A picture: the original as it came, what is known of it, and where it came from."""

    class Source(models.TextChoices):
        UPLOAD = "upload", gettext_lazy("Uploaded")
        IMPORT = "import", gettext_lazy("Imported")
        GENERATED = "generated", gettext_lazy("Generated")

    class CostSource(models.TextChoices):
        REPORTED = "reported", gettext_lazy("reported by the vendor")
        COMPUTED = "computed", gettext_lazy("counted from usage")
        TABLE = "table", gettext_lazy("from the price list")
        UNKNOWN = "unknown", gettext_lazy("not known")

    # The file
    storage_key = models.CharField(max_length=200, unique=True, editable=False)
    sha256 = models.CharField(max_length=64, editable=False)
    crc32 = models.BigIntegerField(editable=False)  # ZIP export needs it before the bytes
    mime_type = models.CharField(max_length=20, editable=False)  # by its bytes: "image/webp"
    bytes = models.BigIntegerField(editable=False)
    width = models.PositiveIntegerField(editable=False)  # pixels, upright
    height = models.PositiveIntegerField(editable=False)
    frames = models.PositiveIntegerField(default=1, editable=False)  # more than 1: animated
    file_name = models.CharField(max_length=255, blank=True, editable=False)  # as it came, for display only

    # What stands in its place, and what it looks like
    tint = models.CharField(max_length=4, editable=False)  # top and bottom colour, two base-4 triples: "1c2a"
    thumbhash = models.BinaryField(max_length=32, editable=False)
    phash = models.BigIntegerField(null=True, editable=False)  # 64 bits, signed

    # What people say about it
    title = models.CharField(max_length=200, blank=True)
    notes = models.TextField(blank=True)
    rating = models.PositiveSmallIntegerField(default=0)  # 0 (none) to 5
    favorite = models.BooleanField(default=False)
    sensitive = models.BooleanField(default=False)
    tags = models.ManyToManyField(Tag, through="gallery.ImageTag", related_name="images")

    # Where it came from
    source = models.CharField(max_length=10, choices=Source, editable=False)
    source_url = models.CharField(max_length=2000, blank=True, editable=False)
    prompt = models.TextField(blank=True, editable=False)  # as typed
    prompt_sent = models.TextField(blank=True, editable=False)
    revised_prompt = models.TextField(blank=True, editable=False)  # as the vendor says it used
    negative_prompt = models.TextField(blank=True, editable=False)
    provider = models.CharField(max_length=32, blank=True, editable=False)
    profile = models.ForeignKey(
        "gallery.ConnectionProfile", on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    model = models.CharField(max_length=120, blank=True, editable=False)
    seed = models.BigIntegerField(null=True, editable=False)
    params = models.JSONField(default=dict, editable=False)
    recipe = models.JSONField(default=dict, editable=False)  # read from the file
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True, editable=False)
    cost_source = models.CharField(
        max_length=10, choices=CostSource, default=CostSource.UNKNOWN, editable=False
    )
    generation = models.ForeignKey(
        "gallery.Generation", on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    parent = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, editable=False, related_name="children"
    )

    # Key of the first picture of its stack: what one generation made, or versions of one picture.
    # A number, for the stack outlives that picture.
    stack = models.BigIntegerField(null=True, editable=False)
    # Kept out of a comparison: shown for its stack. Null for all others, for a default rewrites the table.
    tops_stack = models.BooleanField(null=True, editable=False)
    shuffle = models.IntegerField(default=draw, editable=False)  # place in the random order

    created_at = models.DateTimeField(auto_now_add=True)
    trashed_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ImageQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "sha256"], condition=Q(trashed_at=None), name="image_once_per_owner"
            ),
            models.CheckConstraint(condition=Q(rating__lte=5), name="image_rating_0_to_5"),
            models.CheckConstraint(condition=Q(width__gt=0, height__gt=0), name="image_has_pixels"),
        ]
        indexes = [
            # The id grows with time, so these are the order of the gallery as well as its filter.
            models.Index(fields=["owner", "-id"], condition=Q(trashed_at=None), name="image_live"),
            models.Index(
                fields=["owner", "-id"], condition=Q(trashed_at=None, favorite=True), name="image_favorite"
            ),
            models.Index(
                fields=["owner", "source", "-id"], condition=Q(trashed_at=None), name="image_source"
            ),
            models.Index(
                fields=["owner", "-rating", "-id"], condition=Q(trashed_at=None), name="image_rating"
            ),
            models.Index(
                fields=["owner", "-cost_usd", "-id"], condition=Q(trashed_at=None), name="image_cost"
            ),
            models.Index(
                fields=["owner", "shuffle", "id"], condition=Q(trashed_at=None), name="image_shuffle"
            ),
            # From days to keys: without it, a search by date looks at every picture. SQLite reads the rows
            # all the same, unless trashed_at stands in it too.
            models.Index(
                fields=["owner", "created_at", "trashed_at", "id"],
                condition=Q(trashed_at=None),
                name="image_created",
            ),
            # What filters ask of every picture when few have it: a twentieth of reading the rows themselves.
            models.Index(
                fields=[
                    "owner",
                    "-id",
                    "trashed_at",
                    "width",
                    "height",
                    "frames",
                    "rating",
                    "favorite",
                    "sensitive",
                    "source",
                    "parent",
                    "profile",
                    "provider",
                    "model",
                    "cost_usd",
                ],  # fmt: skip
                condition=Q(trashed_at=None),
                name="image_facts",
            ),
            models.Index(
                fields=["owner", "-id"], condition=Q(trashed_at=None) & ~Q(notes=""), name="image_notes"
            ),
            # SQLite sees that "stack = 7" implies "stack IS NOT NULL", but not that it implies a NOT.
            models.Index(fields=["owner", "stack"], condition=Q(stack__isnull=False), name="image_stack"),
            models.Index(
                F("owner"), F("trashed_at").desc(), name="image_trash", condition=~Q(trashed_at=None)
            ),
        ]

    def __str__(self):
        return self.title or self.file_name or f"Image {self.public_id}"

    def get_absolute_url(self):
        return reverse("image", args=[self.public_id])

    def thumbnail_key(self, size: int) -> str:
        """Storage key of the rendition whose longest side is at most `size` pixels (320 or 1280)."""
        return f"thumbnails/{self.owner_id}/{self.public_id.hex}-{size}.webp"


class ImageText(models.Model):
    """The words of a picture, folded, in a narrow table beside it that the full-text index is built on."""

    image = models.OneToOneField(Image, on_delete=models.CASCADE, primary_key=True, related_name="text")
    owner = models.ForeignKey("gallery.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    words = models.TextField()

    MAX_INDEXED = 100_000  # characters; PostgreSQL indexes at most a megabyte of text

    def __str__(self):
        return self.words[:80]

    @classmethod
    def refresh(cls, image: Image):
        """Index the words of `image` again; call it in the transaction that changed them."""
        parts = (image.title, image.prompt, image.prompt_sent, image.revised_prompt, image.notes)
        text = " ".join(words("\n".join(dict.fromkeys(part for part in parts if part))))[: cls.MAX_INDEXED]
        cls.objects.update_or_create(image=image, defaults={"owner_id": image.owner_id, "words": text})
