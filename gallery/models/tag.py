import re
import unicodedata
from collections.abc import Iterable
from itertools import count
from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.text import slugify

from gallery.language.wording import gettext_lazy
from gallery.models.base import Owned, OwnedQuerySet

WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """`text` without case, accents and doubled spaces: what names and words are compared by."""
    decomposed = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).casefold().split())


def words(text: str) -> list[str]:
    """The runs of letters and digits in `text`, folded: what is indexed, and what is looked for.

    Both databases split other signs in their own ways, so they are never shown any.
    """
    return WORD.findall(fold(text))


class TagQuerySet(OwnedQuerySet):
    def bulk_create(self, objs, *args, **kwargs):
        made: list[Any] = super().bulk_create(objs, *args, **kwargs)
        TagWord.objects.bulk_create((row for tag in made for row in TagWord.of(tag)), batch_size=1000)
        return made

    def with_counts(self):
        """Adds `image_count`: the pictures outside the trash that carry the tag."""
        return self.annotate(image_count=Coalesce("count__n", 0))

    def with_canonical(self):
        """Reads with each tag the one that it is another spelling of, and what it takes to name looks."""
        return self.select_related("parent", "alias_of__parent")


class Tag(Owned):
    """A character, one of its looks, a persona, a chat or a free tag: what pictures are filed under."""

    class Kind(models.TextChoices):
        CHARACTER = "character", gettext_lazy("Character")
        LOOK = "look", gettext_lazy("Look")
        PERSONA = "persona", gettext_lazy("Persona")
        CHAT = "chat", gettext_lazy("Chat")
        TAG = "tag", gettext_lazy("Tag")

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.TAG)
    name = models.CharField(max_length=100)
    folded = models.CharField(max_length=200, editable=False)  # `fold(name)`
    slug = models.CharField(max_length=120, editable=False)
    description = models.TextField(blank=True)
    color = models.CharField(max_length=7, blank=True)  # "#8a2a66"
    alias_of = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="aliases"
    )
    parent = models.ForeignKey(  # the character that a look belongs to; its pictures always carry both
        "self", on_delete=models.CASCADE, null=True, blank=True, editable=False, related_name="looks"
    )
    avatar = models.ForeignKey(
        "gallery.Image", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    # [left, top, side] of the square to show, in thousandths of the upright picture's shorter side
    avatar_crop = models.JSONField(null=True, blank=True, editable=False)
    pinned = models.BooleanField(default=False)
    monthly_budget_usd = models.DecimalField(  # of a chat, for what is made in it
        max_digits=10, decimal_places=2, null=True, blank=True, validators=[MinValueValidator(0)]
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TagQuerySet.as_manager()
    just_made = False  # by the call that returned it

    class Meta:
        ordering = ["kind", "folded"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "kind", "folded"], condition=Q(parent=None), name="tag_name_once"
            ),
            models.UniqueConstraint(
                fields=["parent", "folded"], condition=~Q(parent=None), name="look_name_once"
            ),
            models.UniqueConstraint(fields=["owner", "kind", "slug"], name="tag_slug_once"),
        ]
        indexes = [
            models.Index(fields=["owner", "folded"], name="tag_owner_folded"),
            models.Index(fields=["parent"], condition=~Q(parent=None), name="tag_parent"),
            models.Index(fields=["owner", "folded"], condition=Q(alias_of=None), name="tag_by_name"),
            models.Index(  # lists by kind, and how many there are, which every page says
                fields=["owner", "kind", "folded"], condition=Q(alias_of=None), name="tag_kind_folded"
            ),
            models.Index(  # in the side bar of every page
                fields=["owner", "kind", "folded"], condition=Q(pinned=True), name="tag_pinned"
            ),
        ]

    def __str__(self):
        return self.spec

    def save(self, **kwargs):
        self.folded = fold(self.name)
        self.slug = self.slug or self._free_slug()
        super().save(**kwargs)
        fields = kwargs.get("update_fields")
        if fields is None or {"kind", "folded", "alias_of"} & set(fields):
            TagWord.refresh(self)

    def _free_slug(self):
        base = slugify(self.name, allow_unicode=True)[:100] or "tag"
        others = Tag.objects.filter(owner_id=self.owner_id, kind=self.kind).exclude(pk=self.pk)
        if not others.filter(slug=base).exists():
            return base
        taken = set(others.filter(slug__startswith=f"{base}-").values_list("slug", flat=True))
        return next(slug for number in count(2) if (slug := f"{base}-{number}") not in taken)

    @property
    def value(self) -> str:
        """What a filter of its kind is given: the name, for a look that of its character before it."""
        return f"{self.parent.name}:{self.name}" if self.parent else self.name

    @property
    def full_name(self) -> str:
        """What it is called where its character is not in sight."""
        return f"{self.parent.name}: {self.name}" if self.parent else self.name

    @property
    def spec(self) -> str:
        """As it is written in requests and in the search box: `character:Mirel`, `tag:"blue hour"`."""
        value = self.value
        return f'{self.kind}:"{value}"' if set(value) & set(" ,()") else f"{self.kind}:{value}"

    def get_absolute_url(self):
        return reverse(f"{self.kind}", args=[self.public_id, self.slug])

    def inherit(self, other: "Tag") -> None:
        """Take over from a tag that goes what this one lacks; of texts nothing is lost."""
        self.pinned |= other.pinned
        self.color = self.color or other.color
        if self.monthly_budget_usd is None:
            self.monthly_budget_usd = other.monthly_budget_usd
        if self.avatar_id is None:
            self.avatar_id, self.avatar_crop = other.avatar_id, other.avatar_crop
        texts = dict.fromkeys(text.strip() for text in (self.description, other.description))
        self.description = "\n\n".join(text for text in texts if text)
        self.save(
            update_fields=["pinned", "color", "avatar", "avatar_crop", "description", "monthly_budget_usd"]
        )


class TagCount(models.Model):
    """How many pictures outside the trash carry a tag; kept in the transaction of each change."""

    tag = models.OneToOneField(Tag, on_delete=models.CASCADE, primary_key=True, related_name="count")
    owner = models.ForeignKey("gallery.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    n = models.PositiveIntegerField(default=0)
    used_at = models.DateTimeField(null=True)  # when a picture last got the tag

    class Meta:
        indexes = [
            models.Index(fields=["owner", "-n"], name="tagcount_owner_n"),
            models.Index(fields=["owner", "-used_at"], name="tagcount_owner_used"),
        ]

    def __str__(self):
        return f"{self.tag_id}: {self.n}"


class TagWord(models.Model):
    """The name of a tag from one of its words on: what autocomplete looks up."""

    pk = models.CompositePrimaryKey("owner", "kind", "text", "target", "tag")
    owner = models.ForeignKey("gallery.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=10)  # of `tag`
    # In UTF-8: both databases order bytes alike, whatever their language, and find beginnings by the index.
    text = models.BinaryField()
    # Never an alias
    target = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+")  # that has the name
    at_start = models.BooleanField()  # it is the whole name

    class Meta:
        indexes = [models.Index(fields=["target", "text"], name="tagword_target_text")]

    def __str__(self):
        return bytes(self.text).decode()

    @classmethod
    def of(cls, tag: Tag) -> list["TagWord"]:
        """The rows of `tag`, which is saved."""
        target = tag.alias_of_id or tag.pk
        parts = words(tag.name)
        texts = [" ".join(parts[n:]) for n in range(len(parts))] or [fold(tag.name)]
        same = {"owner_id": tag.owner_id, "kind": tag.kind, "tag": tag, "target_id": target}
        return [cls(text=text.encode(), at_start=text == texts[0], **same) for text in texts]

    @staticmethod
    def refresh(tag: Tag) -> None:
        TagWord.objects.filter(tag=tag).delete()
        TagWord.objects.bulk_create(TagWord.of(tag))


class ImplicationQuerySet(models.QuerySet):
    def reached_from(self, tags: Iterable[int]) -> set[int]:
        """Returns the keys of `tags` and of all that they bring, in any number of steps.

        A look brings its character.
        """
        reached: set[int] = set()
        fresh = set(tags)
        while fresh:
            reached |= fresh
            looks = Tag.objects.filter(pk__in=fresh).exclude(parent=None).order_by()
            parents = looks.values_list("parent_id")
            brought = self.filter(tag_id__in=fresh).values_list("implied_id").union(parents)
            fresh = {key for (key,) in brought} - reached
        return reached


class Implication(models.Model):
    """Who puts `tag` on a picture puts `implied` on it too. The implications of an owner form no circle."""

    owner = models.ForeignKey("gallery.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="implications", db_index=False)
    implied = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="implied_by")

    objects = ImplicationQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tag", "implied"], name="implication_once")]
        indexes = [models.Index(fields=["owner", "tag"], name="implication_owner_tag")]

    def __str__(self):
        return f"{self.tag_id} brings {self.implied_id}"


class ImageTag(models.Model):
    """One picture carries one tag. The key's order makes "newest pictures of a tag" one index scan."""

    class Origin(models.TextChoices):
        PERSON = "person", gettext_lazy("Person")
        IMPORT = "import", gettext_lazy("Import")
        GENERATION = "generation", gettext_lazy("Generation")
        SUGGESTION = "suggestion", gettext_lazy("Suggestion")

    pk = models.CompositePrimaryKey("owner", "tag", "image")
    owner = models.ForeignKey("gallery.User", on_delete=models.CASCADE, related_name="+", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="+", db_index=False)
    image = models.ForeignKey("gallery.Image", on_delete=models.CASCADE, related_name="+", db_index=False)
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.PERSON)

    class Meta:
        indexes = [
            models.Index(fields=["image", "tag"], name="imagetag_image_tag"),
            models.Index(fields=["tag", "image"], name="imagetag_tag_image"),
        ]

    def __str__(self):
        return f"{self.tag_id} on {self.image_id}"
