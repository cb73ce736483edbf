from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from gallery.models.base import Owned, OwnedQuerySet
from gallery.models.fields import SealedField, UnreadableSecret, seal, unseal
from providers import registry


class ConnectionProfileQuerySet(OwnedQuerySet):
    def default_for(self, user):
        """The profile a generation uses when it names none, or None."""
        return self.owned_by(user).filter(is_default=True).first()


class ConnectionProfile(Owned):
    """A saved way to reach a provider: name, key, base URL, default model, budget."""

    name = models.CharField(max_length=80)
    provider = models.CharField(max_length=32, choices=registry.provider_choices)
    base_url = models.CharField("address", max_length=500, blank=True)  # empty: the vendor's own
    sealed_key = SealedField(blank=True, editable=False)
    key_hint = models.CharField(max_length=4, blank=True, editable=False)  # last four characters
    default_model = models.CharField(max_length=120, blank=True)
    options = models.JSONField(default=dict, blank=True)  # provider's own switches
    monthly_budget_usd = models.DecimalField(
        "monthly budget",
        max_digits=10,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    max_at_once = models.PositiveSmallIntegerField(  # None: as many as the workers have hands
        "requests at once", null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    seconds_between = models.PositiveSmallIntegerField(
        "seconds between requests",
        default=0,
        db_default=0,
        blank=True,
        validators=[MaxValueValidator(3600)],
    )
    next_at = models.DateTimeField(null=True, blank=True, editable=False)  # before it, nothing more is sent
    is_default = models.BooleanField("default", default=False)
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)  # the vendor's Retry-After
    checked_at = models.DateTimeField(null=True, blank=True, editable=False)
    check_code = models.CharField(max_length=32, blank=True, editable=False)  # "ok" or an error.code
    check_message = models.CharField(max_length=500, blank=True, editable=False)
    live_models_at = models.DateTimeField(null=True, blank=True, editable=False)  # when `ModelList` was read
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ConnectionProfileQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint("owner", models.functions.Lower("name"), name="profile_name_once"),
            models.UniqueConstraint(
                fields=["owner"], condition=models.Q(is_default=True), name="profile_one_default"
            ),
        ]

    def __str__(self):
        return self.name

    @property
    def has_api_key(self) -> bool:
        return bool(self.sealed_key)

    @property
    def has_live_list(self) -> bool:
        """Whether the vendor can be asked for its models."""
        return registry.provider_class(self.provider).has_live_list()

    @property
    def api_key(self) -> str:
        """The key in clear, for one call. Raises `UnreadableSecret` when the key ring does not fit."""
        if not self.sealed_key:
            return ""
        try:
            return unseal(self.sealed_key, self.owner_id, self.provider)
        except UnreadableSecret:
            return unseal(self._sealed_by_now(), self.owner_id, self.provider)

    @api_key.setter
    def api_key(self, key: str):
        self.sealed_key = seal(key, self.owner_id, self.provider) if key else ""
        self.key_hint = key[-4:] if len(key) >= 12 else ""
        self._forget_check()

    def _sealed_by_now(self) -> str:
        """`rotate_keys` may have sealed the key anew, and forgotten the old way, since the row was read."""
        rows = ConnectionProfile.objects.filter(pk=self.pk, provider=self.provider, base_url=self.base_url)
        return rows.values_list("sealed_key", flat=True).first() or ""

    def forget_what_was_learnt(self) -> None:
        """Take back what the vendor said: it may be another one now. Saves nothing."""
        self._forget_check()
        self.live_models_at = None

    def _forget_check(self) -> None:
        self.checked_at, self.check_code, self.check_message = None, "", ""


class ModelList(models.Model):
    """The vendor's own list, as it was read last. Apart, because profiles are joined in many lists."""

    profile = models.OneToOneField(
        ConnectionProfile, on_delete=models.CASCADE, primary_key=True, related_name="model_list"
    )
    entries = models.JSONField(default=list)  # as `providers.listing` writes them

    def __str__(self):
        return f"models of {self.profile_id}"
