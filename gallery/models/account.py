import hashlib
import secrets

from django.contrib.auth.models import AbstractUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone

from gallery.language.wording import gettext_lazy
from gallery.models.base import Owned, OwnedQuerySet


class User(AbstractUser):
    """A person with a library of their own. Staff see operations, not pictures."""

    monthly_budget_usd = models.DecimalField(
        "monthly limit in US dollars",
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    warn_percent = models.PositiveSmallIntegerField(
        "warn when so much of a limit is used, in percent",
        default=80,
        db_default=80,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    queue_paused = models.BooleanField("queue paused", default=False, db_default=False)
    blur_sensitive = models.BooleanField("blur sensitive images", default=True)
    fold_stacks = models.BooleanField("fold stacks in the gallery", default=True)
    # Such as F and #; WCAG 2.1.4
    single_keys = models.BooleanField("keys of one sign", default=True, db_default=True)
    trash_days = models.PositiveSmallIntegerField(  # none: the trash is never emptied by itself
        "empty the trash after this many days", null=True, blank=True, validators=[MinValueValidator(1)]
    )
    persona = models.ForeignKey(  # whom `@me` means where no other persona is chosen
        "gallery.Tag", on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )
    avoid_in_words = models.BooleanField(
        "write what to avoid into prompts of models without a field for it", default=True, db_default=True
    )
    # None: what the browser asks for
    language = models.CharField(max_length=8, blank=True, editable=False, default="", db_default="")
    # Key of the last picture that was compared with all before it, in the search for near duplicates.
    compared_up_to = models.BigIntegerField(default=0, editable=False)


class ApiTokenQuerySet(OwnedQuerySet):
    def usable(self):
        return self.filter(
            models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now()),
            revoked_at=None,
            owner__is_active=True,
        )


class ApiToken(Owned):
    """A bearer token for programs. The token itself is shown once; only its SHA-256 is kept."""

    class Scope(models.TextChoices):
        READ = "read", gettext_lazy("Read")
        WRITE = "write", gettext_lazy("Read and write")

    name = models.CharField(max_length=80)
    scope = models.CharField(max_length=8, choices=Scope, default=Scope.WRITE)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=4, editable=False)  # the token's last four characters
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "API token"
        indexes = [models.Index(fields=["owner", "-id"], name="token_owner")]

    def __str__(self):
        return f"{self.name} (…{self.hint})"

    @staticmethod
    def digest_of(token: str) -> str:
        return hashlib.sha256(token.encode()).hexdigest()

    @classmethod
    def issue(cls, owner, name, scope=Scope.WRITE) -> tuple["ApiToken", str]:
        """Make a token with 256 random bits. Returns the row and the token, which cannot be had again."""
        token = "vig_" + secrets.token_urlsafe(32)
        row = cls.objects.create(
            owner=owner, name=name, scope=scope, digest=cls.digest_of(token), hint=token[-4:]
        )
        return row, token
