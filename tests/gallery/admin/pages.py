"""Addresses in the admin, and what must never be read there."""

from django.contrib import admin
from django.urls import reverse

KEY = "sk-CANARY-0123456789abcdef"
SECRET = "the secret prompt"
OURS = [model for model in admin.site._registry if model._meta.app_label == "gallery"]


def page(model, what, *args):
    return reverse(f"admin:gallery_{model._meta.model_name}_{what}", args=args)


def act(client, model, action, *rows, **where):
    """Choose `rows` in the list of `model`, and run an action on them."""
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(page(model, "changelist"), data, follow=True, **where)
