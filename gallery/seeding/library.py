"""Pictures by the thousand, each batch in one transaction, so that a stopped run can go on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256
from itertools import batched
from random import Random
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from gallery.files import storage
from gallery.models import Generation, GenerationImage, Image, ImageTag, ImageText, PromptText, User
from gallery.models.base import uuid7
from gallery.models.generation import digest_of
from gallery.models.image import draw
from gallery.seeding import pictures, rows
from gallery.seeding.cast import Cast, gather
from gallery.seeding.words import Writer
from gallery.tagging.counts import gained, lock

BATCH = 10_000
PAST = timedelta(days=3 * 365)  # over which a new library is spread
SITTING = 25  # pictures that are added within one hour
TOGETHER = (1, 1, 1, 1, 2, 4)  # pictures of one generation
MODELS = (
    ("openai", "gpt-image-2.5-flare", Decimal("0.042")),
    ("openai", "gpt-image-2.5-mini", Decimal("0.011")),
    ("xai", "grok-imagine-image", Decimal("0.02")),
    ("google", "gemini-3-pro-image", Decimal("0.134")),
    ("demo", "demo-painter", Decimal(0)),
)
MODELS_OFTEN = (35, 30, 12, 18, 5)
RATINGS, RATINGS_OFTEN = (0, 1, 2, 3, 4, 5), (70, 1, 3, 8, 11, 7)
TRASHED, FAVORITE, SENSITIVE, GENERATED, TITLED = 0.02, 0.04, 0.06, 0.7, 0.05
IMAGE = (
    "id", "owner", "public_id", "storage_key", "sha256", "crc32", "mime_type", "bytes", "width",
    "height", "frames", "file_name", "tint", "thumbhash", "phash", "title", "rating", "favorite",
    "sensitive", "source", "prompt", "prompt_sent", "provider", "model", "params", "cost_usd",
    "cost_source", "generation", "stack", "shuffle", "created_at", "trashed_at",
)  # fmt: skip
GENERATION = (
    "id", "owner", "public_id", "provider", "model", "prompt", "prompt_digest", "prompt_sent", "params", "n",
    "status", "cost_usd", "cost_source", "created_at", "started_at", "finished_at",
)  # fmt: skip

type Progress = Callable[[str, int, int], None]  # what is being done, how far, out of how many
type Tags = list[int]


@dataclass(frozen=True, kw_only=True)
class Plan:
    owner: User
    cast: Cast
    samples: Sequence[pictures.Sample]
    writer: Writer
    there: int  # pictures that were there before
    begin: datetime
    step: timedelta  # between two pictures, in the long run

    def moment(self, number: int) -> datetime:
        """When the picture came: by sittings, which do not overlap."""
        whole, place = divmod(number - self.there, SITTING)
        return self.begin + self.step * whole * SITTING + min(self.step, timedelta(minutes=1)) * place


def fill(owner: User, n: int, *, tags: int, drawn: int, progress: Progress, files: bool = True) -> int:
    """Add pictures until `owner` has `n`, those in the trash included. Returns how many were added.

    `drawn` pictures are shared by all; without `files` they have rows and nothing to look at.
    """
    rows.use_memory()
    plan = _plan(owner, n, tags, pictures.draw(drawn, lambda done: progress("Pictures drawn", done, drawn)))
    for numbers in batched(range(plan.there, n), BATCH):
        with transaction.atomic():
            lock(owner.pk)
            batch = Batch(plan, Random(f"{owner.pk}/{numbers[0]}"), len(numbers))  # noqa: S311
            batch.imagine(numbers)
            if files:
                batch.publish()
            batch.save()
        progress("Pictures in the library", numbers[-1] + 1, n)
    return max(0, n - plan.there)


def _plan(owner: User, n: int, tags: int, samples: Sequence[pictures.Sample]) -> Plan:
    mine, now = Image.objects.owned_by(owner), timezone.now()
    there = mine.count()
    last = mine.order_by("-pk").values_list("created_at", flat=True).first()
    begin = last or now - PAST
    with transaction.atomic():
        lock(owner.pk)
        cast = gather(owner, tags)
    return Plan(
        owner=owner, cast=cast, samples=samples, writer=Writer(),
        there=there, begin=begin, step=(now - begin) / max(1, n - there),
    )  # fmt: skip


class Batch:
    """Rows as tuples, since objects would take several times as long."""

    def __init__(self, plan: Plan, dice: Random, n: int):
        self.plan, self.dice = plan, dice
        self.keys = iter(rows.reserve(Image, n))
        self.generation_keys = iter(rows.reserve(Generation, n))
        self.images: list[tuple[Any, ...]] = []
        self.files: list[tuple[pictures.Sample, str, UUID]] = []
        self.texts: list[tuple[int, int, str]] = []
        self.tags: list[tuple[int, int]] = []  # tag, picture
        self.live: list[tuple[int, int]] = []  # the same without the trash
        self.generations: list[tuple[Any, ...]] = []
        self.results: list[tuple[int, int, int]] = []  # generation, index, picture
        self.filed: list[tuple[int, int]] = []  # generation, tag

    def imagine(self, numbers: Sequence[int]) -> None:
        """Make up what happened to the pictures `numbers`: they came alone, or together from one request."""
        left = list(numbers)[::-1]
        while left:
            n = self.dice.choice(TOGETHER)
            group, left = left[-n:][::-1], left[:-n]
            tags, prompt = self.plan.cast.draw(self.dice), self.plan.writer.prompt(self.dice)
            if self.dice.random() < GENERATED:
                self._generated(group, tags, prompt)
            else:
                for number in group:
                    source = self.dice.choice(("upload", "import"))
                    self._picture(next(self.keys), number, tags, source=source)

    def _generated(self, group: list[int], tags: Tags, prompt: str) -> None:
        (vendor,) = self.dice.choices(MODELS, MODELS_OFTEN)
        provider, model, price = vendor
        generation, owner = next(self.generation_keys), self.plan.owner.pk
        moment, n = self.plan.moment(group[0]), len(group)
        keys = [next(self.keys) for _ in group]
        for index, (key, number) in enumerate(zip(keys, group, strict=True)):
            stack = keys[0] if n > 1 else None
            self._picture(
                key, number, tags, source="generated", prompt=prompt, provider=provider, model=model,
                cost=price, generation=generation, stack=stack,
            )  # fmt: skip
            self.results.append((generation, index, key))
        self.filed += [(generation, tag) for tag in tags]
        self.generations.append(
            (generation, owner, uuid7(), provider, model, prompt, digest_of(prompt), prompt, {}, n, "done",
             price * n, "table", moment, moment, moment)
        )  # fmt: skip

    def _picture(
        self, key: int, number: int, tags: Tags, *, source: str, prompt: str = "", provider: str = "",
        model: str = "", cost: Decimal | None = None, generation: int | None = None, stack: int | None = None,
    ) -> None:  # fmt: skip
        dice, owner, moment = self.dice, self.plan.owner.pk, self.plan.moment(number)
        sample, public_id = dice.choice(self.plan.samples), uuid7()
        checksum, seen = sha256(public_id.bytes).hexdigest(), sample.decoded
        original = storage.original_key(source, owner, moment, checksum, seen.extension)
        title = prompt[:40].rpartition(" ")[0].capitalize() if dice.random() < TITLED else ""
        (rating,) = dice.choices(RATINGS, RATINGS_OFTEN)
        trashed = moment if dice.random() < TRASHED else None
        self.images.append(
            (key, owner, public_id, original, checksum, sample.crc32, seen.mime_type, sample.bytes,
             seen.width, seen.height, 1, "" if generation else f"{number}.webp", seen.tint, seen.thumbhash,
             seen.phash, title, rating, dice.random() < FAVORITE, dice.random() < SENSITIVE, source,
             prompt, prompt, provider, model, {}, cost, "table" if generation else "unknown", generation,
             stack, draw(), moment, trashed)
        )  # fmt: skip
        self.files.append((sample, original, public_id))
        self.texts.append((key, owner, f"{title.lower()} {prompt}".strip()))
        self.tags += (pairs := [(tag, key) for tag in tags])
        self.live += [] if trashed else pairs

    def publish(self) -> None:
        for sample, original, public_id in self.files:
            pictures.publish(
                sample, original, partial(storage.thumbnail_key, self.plan.owner.pk, public_id.hex)
            )

    def save(self) -> None:
        owner = self.plan.owner.pk
        rows.insert(Generation, GENERATION, self.generations)
        prompts = ((row[0], PromptText.of(row[5])) for row in self.generations)
        rows.insert(PromptText, ("generation", "words"), prompts)
        rows.insert(Generation.tags.through, ("generation", "tag"), self.filed)
        rows.insert(Image, IMAGE, self.images)
        rows.insert(ImageText, ("image", "owner", "words"), self.texts)
        rows.insert(GenerationImage, ("generation", "index", "image"), self.results)
        tagged = ((owner, tag, image) for tag, image in sorted(self.tags))
        rows.insert(ImageTag, ("owner", "tag", "image"), tagged)
        gained(owner, self.live)
