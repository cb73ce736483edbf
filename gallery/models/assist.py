"""Texts that a model wrote for a person: a better prompt, or what can be seen in a picture."""

from django.db import models
from django.db.models import Q

from gallery.language.wording import gettext_lazy
from gallery.models.base import Owned, OwnedQuerySet
from gallery.models.image import Image


class Assist(Owned):
    """One paid text or vision call, accounted for whether or not anything came of it.

    The row is saved before a worker sends the request, and counts with its estimate until it is finished.
    It is sent at most once, and finished whether or not somebody still waits for it.
    """

    class Purpose(models.TextChoices):
        PROMPT = "prompt", gettext_lazy("Prompt written")
        DESCRIBE = "describe", gettext_lazy("Picture described")

    profile = models.ForeignKey(
        "gallery.ConnectionProfile", on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=120)
    purpose = models.CharField(max_length=10, choices=Purpose)
    image = models.ForeignKey(Image, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False)
    answer = models.JSONField(
        default=dict
    )  # {"text": …} or {"caption": …, "tags": [{kind, name, confidence}]}
    asked = models.JSONField(default=dict)  # {"text": …, "longest": …}: what a worker needs to know
    is_open = models.BooleanField(default=False)  # its suggestions wait to be accepted or rejected

    estimated_cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    cost_usd = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    cost_source = models.CharField(max_length=10, choices=Image.CostSource, default=Image.CostSource.UNKNOWN)
    usage = models.JSONField(default=dict)
    request_id = models.CharField(max_length=200, blank=True)  # the vendor's
    error_code = models.CharField(max_length=20, blank=True)
    error_message = models.TextField(blank=True)  # for the person
    may_have_been_charged = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)  # committed before the request goes out
    finished_at = models.DateTimeField(null=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["owner", "created_at"], name="assist_owner_created"),
            models.Index(fields=["profile", "created_at"], name="assist_profile_month"),
            models.Index(fields=["image", "-id"], condition=~Q(image=None), name="assist_image"),
            models.Index(fields=["finished_at"], condition=Q(finished_at__isnull=False), name="assist_ended"),
        ]

    def __str__(self):
        return f"{self.get_purpose_display()} by {self.model}"
