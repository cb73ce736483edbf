"""One request of a person, the paid calls it takes, and the pictures that came of it."""

from django.db import models
from django.urls import reverse
from django.utils import timezone

from gallery.models.base import Owned, OwnedQuerySet, uuid7
from gallery.models.image import Image
from gallery.models.tag import Tag


class Status(models.TextChoices):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    SAVING = "saving", "Saving"
    DONE = "done", "Done"
    PARTIAL = "partial", "Partly done"
    REFUSED = "refused", "Declined"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Not sure"
    CANCELLED = "cancelled", "Stopped"


ACTIVE = (Status.QUEUED, Status.RUNNING, Status.SAVING)


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
    prompt_sent = models.TextField(blank=True)
    receipt = models.JSONField(default=dict)  # how `prompt_sent` was made of `prompt`: `Composition.receipt`
    params = models.JSONField(default=dict)  # what else was asked: size, quality, seed …
    n = models.PositiveSmallIntegerField(default=1)
    mask_key = models.CharField(max_length=200, blank=True)  # storage key of the mask: white is repainted
    tags = models.ManyToManyField(Tag, related_name="+", blank=True)  # given to every picture that arrives

    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    cancel_requested = models.BooleanField(default=False)
    # The turn of a chat that this one goes on from: its history is sent along.
    follows = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="followed_by")
    retry_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="+")
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
            models.Index(fields=["profile", "created_at"], name="generation_profile_month"),
        ]

    def __str__(self):
        return f"{self.model}: {self.prompt[:60]}"

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
        return f"{self.error_message} Trying again at {timezone.localtime(self.retry_at):%H:%M}."


MOST_EXTRA = 100  # pictures of one call, for numbering those beyond what was asked


class GenerationCall(models.Model):
    """One paid request to the vendor: claimed once, sent at most once, accounted for always."""

    class State(models.TextChoices):
        QUEUED = "queued", "Waiting"
        SENT = "sent", "Sent"  # committed before the request goes out
        ANSWERED = "answered", "Answered"  # the raw answer is complete in the spool
        DONE = "done", "Done"
        REFUSED = "refused", "Declined"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Not sure"
        CANCELLED = "cancelled", "Stopped"

    public_id = models.UUIDField(default=uuid7, unique=True, editable=False)  # names its spool file
    generation = models.ForeignKey(Generation, on_delete=models.CASCADE, related_name="calls")
    index = models.PositiveSmallIntegerField()  # 0-based; pictures are numbered on from `first_image`
    first_image = models.PositiveSmallIntegerField()
    n = models.PositiveSmallIntegerField()  # pictures asked of this call

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    run_after = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    attempt_token = models.UUIDField(null=True)  # a worker that lost its lease cannot commit
    lease_until = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
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

    class Meta:
        ordering = ["generation", "index"]
        constraints = [models.UniqueConstraint(fields=["generation", "index"], name="call_once")]
        indexes = [
            models.Index(
                fields=["state", "run_after"],
                condition=models.Q(state__in=["queued", "sent", "answered"]),
                name="call_open",
            )
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
