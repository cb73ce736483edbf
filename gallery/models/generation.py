"""One request of a person, the paid calls it takes, and the pictures that came of it."""

import hashlib

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext

from gallery.language.wording import gettext_lazy
from gallery.models.base import Owned, OwnedQuerySet, uuid7
from gallery.models.image import Image
from gallery.models.tag import Tag, words


class Status(models.TextChoices):
    QUEUED = "queued", gettext_lazy("Waiting")
    RUNNING = "running", gettext_lazy("Running")
    SAVING = "saving", gettext_lazy("Saving")
    DONE = "done", gettext_lazy("Done")
    PARTIAL = "partial", gettext_lazy("Partly done")
    REFUSED = "refused", gettext_lazy("Declined")
    FAILED = "failed", gettext_lazy("Failed")
    UNKNOWN = "unknown", gettext_lazy("Not sure")
    CANCELLED = "cancelled", gettext_lazy("Stopped")


ACTIVE = (Status.QUEUED, Status.RUNNING, Status.SAVING)


def digest_of(prompt: str) -> str:
    """By which equal prompts are found, 32 hexadecimal digits; empty for an empty one."""
    plain = prompt.strip()
    return hashlib.blake2b(plain.encode(), digest_size=16).hexdigest() if plain else ""


class GenerationQuerySet(OwnedQuerySet):
    def active(self):
        return self.filter(status__in=ACTIVE)


class Generation(Owned):
    """One request of a person and all its pictures. Its state sums up the states of its calls."""

    profile = models.ForeignKey(
        "gallery.ConnectionProfile", on_delete=models.SET_NULL, null=True, related_name="generations"
    )
    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=120)
    mode = models.CharField(max_length=10, default="generate")  # generate, edit, variation, again
    prompt = models.TextField()  # as typed
    # `digest_of(prompt)`
    prompt_digest = models.CharField(max_length=32, blank=True, editable=False, default="", db_default="")
    prompt_sent = models.TextField(blank=True)
    # How `prompt_sent` was made of `prompt`: `Composition.receipt`
    receipt = models.JSONField(default=dict, db_default={})
    params = models.JSONField(default=dict)  # what else was asked: size, quality, seed …
    n = models.PositiveSmallIntegerField(default=1)
    mask_key = models.CharField(max_length=200, blank=True)  # storage key of the mask: white is repainted
    tags = models.ManyToManyField(Tag, related_name="+", blank=True)  # given to every picture that arrives

    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    cancel_requested = models.BooleanField(default=False)
    # Among what its owner has waiting: the highest goes first
    place = models.IntegerField(default=0, db_default=0)
    # The turn of a chat that this one goes on from: its history is sent along.
    follows = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="followed_by")
    retry_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+")
    # The model of a comparison that it was made for.
    column = models.ForeignKey(
        "gallery.ComparisonColumn", on_delete=models.SET_NULL, null=True, related_name="generations"
    )
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001  null: any number of rows without one
    request_digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the request the key came with

    estimated_cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    cost_source = models.CharField(max_length=10, choices=Image.CostSource, default=Image.CostSource.UNKNOWN)
    error_code = models.CharField(max_length=20, blank=True)
    error_message = models.TextField(blank=True)  # for the person
    provider_message = models.TextField(blank=True)  # the vendor's own words, at most 500 characters
    request_id = models.CharField(max_length=200, blank=True)  # the vendor's
    retryable = models.BooleanField(default=False)
    may_have_been_charged = models.BooleanField(default=False)
    retry_at = models.DateTimeField(null=True)  # when what was put off goes on by itself

    revision = models.PositiveIntegerField(default=0)  # grows with every change that a page shows
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    dismissed_at = models.DateTimeField(null=True)  # the person has seen that it went wrong

    images = models.ManyToManyField(Image, through="gallery.GenerationImage", related_name="+")

    objects = GenerationQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "idempotency_key"], name="generation_idempotent"),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="generation_owner"),
            models.Index(fields=["owner", "status", "-id"], name="generation_status"),
            models.Index(fields=["owner", "created_at"], name="generation_owner_created"),
            models.Index(fields=["owner", "prompt_digest", "-id"], name="generation_prompt"),
            models.Index(fields=["profile", "created_at"], name="generation_profile_month"),
            models.Index(
                fields=["owner", "-place"],
                condition=models.Q(status__in=["queued", "running", "saving"]),
                name="generation_place",
            ),
        ]

    def __str__(self):
        return f"{self.model}: {self.prompt[:60]}"

    def save(self, **kwargs):
        is_new = self._state.adding
        if is_new:
            self.prompt_digest = digest_of(self.prompt)
        super().save(**kwargs)
        if is_new and self.prompt_digest:
            PromptText.objects.create(generation=self, words=PromptText.of(self.prompt))

    def get_absolute_url(self):
        return reverse("generation", args=[self.public_id])

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_late(self) -> bool:
        """Whether pictures arrived although the person had stopped it."""
        return self.status in (Status.DONE, Status.PARTIAL) and self.cancel_requested

    @property
    def sentence(self) -> str:
        """What went wrong, and when what was put off is tried again."""
        if self.retry_at is None or self.retry_at < timezone.now():
            return self.error_message
        moment = f"{timezone.localtime(self.retry_at):%H:%M}"
        return self.error_message + gettext(" Trying again at {time}.").format(time=moment)


class PromptText(models.Model):
    """The words of a prompt as typed, folded, in a narrow table that the full-text index is built on."""

    MAX_INDEXED = 32_000  # characters

    generation = models.OneToOneField(
        Generation, on_delete=models.CASCADE, primary_key=True, related_name="prompt_text"
    )
    words = models.TextField()

    def __str__(self):
        return self.words[:80]

    @classmethod
    def of(cls, prompt: str) -> str:
        return " ".join(words(prompt))[: cls.MAX_INDEXED]


MOST_EXTRA = 100  # pictures of one call, for numbering those beyond what was asked


class IsOpen(models.Lookup):
    """A state before the end, spelled out: behind parameters, SQLite does not see that `call_open` fits."""

    STATES = ("queued", "sent", "answered")
    prepare_rhs = False

    def as_sql(self, compiler, connection):
        column, params = self.process_lhs(compiler, connection)
        return f"{column} IN {self.STATES}", params


class GenerationCallQuerySet(models.QuerySet):
    def open(self):
        """Calls that wait or are under way. They are few, and found without looking at the others."""
        return self.filter(IsOpen(models.F("state"), True))


class GenerationCall(models.Model):
    """One paid request to the vendor: claimed once, sent at most once, accounted for always."""

    class State(models.TextChoices):
        QUEUED = "queued", gettext_lazy("Waiting")
        SENT = "sent", gettext_lazy("Sent")  # committed before the request goes out
        ANSWERED = "answered", gettext_lazy("Answered")  # the raw answer is complete in the spool
        DONE = "done", gettext_lazy("Done")
        REFUSED = "refused", gettext_lazy("Declined")
        FAILED = "failed", gettext_lazy("Failed")
        UNKNOWN = "unknown", gettext_lazy("Not sure")
        CANCELLED = "cancelled", gettext_lazy("Stopped")

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)  # names its spool file
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="calls")
    index = models.PositiveSmallIntegerField()  # 0-based; pictures are numbered on from `first_image`
    first_image = models.PositiveSmallIntegerField()
    n = models.PositiveSmallIntegerField()  # pictures asked of this call

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    run_after = models.DateTimeField()
    # Waits without a wake-up, for its owner's queue or for room at its connection: `lines` wakes it.
    held = models.BooleanField(default=False, db_default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    attempt_token = models.UUIDField(null=True)  # a worker that lost its lease cannot commit
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    # Where its answer comes in
    place = models.CharField(max_length=32, blank=True, default="", db_default="")
    finished_at = models.DateTimeField(null=True)

    images_received = models.PositiveSmallIntegerField(default=0)
    usage = models.JSONField(default=dict)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    cost_source = models.CharField(max_length=10, choices=Image.CostSource, default=Image.CostSource.UNKNOWN)
    request_id = models.CharField(max_length=200, blank=True)
    error_code = models.CharField(max_length=20, blank=True)
    error_message = models.TextField(blank=True)
    provider_message = models.TextField(blank=True)
    retryable = models.BooleanField(default=False)
    may_have_been_charged = models.BooleanField(default=False)

    objects = GenerationCallQuerySet.as_manager()

    class Meta:
        ordering = ["generation", "index"]
        constraints = [models.UniqueConstraint(fields=["generation", "index"], name="call_once")]
        indexes = [
            models.Index(
                fields=["state", "run_after"],
                condition=models.Q(state__in=["queued", "sent", "answered"]),
                name="call_open",
            ),
            models.Index(fields=["generation"], condition=models.Q(held=True), name="call_held"),
            models.Index(
                fields=["finished_at"], condition=models.Q(finished_at__isnull=False), name="call_ended"
            ),
        ]

    def __str__(self):
        return f"call {self.index} of {self.generation_id}: {self.state}"

    def place_of(self, offset: int) -> int:
        """A picture's place in its generation. What comes beyond what was asked stands after all others."""
        if offset < self.n:
            return self.first_image + offset
        return self.generation.n + MOST_EXTRA * self.index + offset


class GenerationReference(models.Model):
    """A picture that went along with the request, in the order in which it was sent."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="references")
    position = models.PositiveSmallIntegerField()  # 0-based
    # None: the picture was deleted for good since; what it was used for stays.
    image = models.ForeignKey(Image, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["generation", "position"]
        constraints = [
            models.UniqueConstraint(fields=["generation", "position"], name="generation_reference_once")
        ]

    def __str__(self):
        return f"reference {self.position} of {self.generation_id}"


class GenerationImage(models.Model):
    """A generation's picture and its place in it. Recovery after a stop cannot file one twice."""

    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="results")
    index = models.PositiveSmallIntegerField()
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="results")
    turn = models.JSONField(default=dict)  # what the vendor wants back, byte for byte, in the next turn

    class Meta:
        ordering = ["generation", "index"]
        constraints = [models.UniqueConstraint(fields=["generation", "index"], name="generation_image_once")]

    def __str__(self):
        return f"image {self.index} of {self.generation_id}"


class CallPreview(models.Model):
    """A picture on its way, for web servers that cannot see the spool: `gallery.generations.partials`."""

    call = models.ForeignKey(GenerationCall, on_delete=models.CASCADE, related_name="previews")
    number = models.PositiveSmallIntegerField()  # counted up within the call
    data = models.BinaryField()  # WebP

    class Meta:
        constraints = [models.UniqueConstraint(fields=["call", "number"], name="call_preview_once")]

    def __str__(self):
        return f"{self.call_id}: {self.number}"
