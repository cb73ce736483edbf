from django.conf import settings
from django.db import models

from gallery.language.wording import gettext_lazy
from gallery.models.base import OwnedQuerySet


class AuditEntry(models.Model):
    """What was done to an account and its secrets, by whom and from where. Written once, never changed."""

    class Verb(models.TextChoices):
        ACCOUNT_MADE = "account_made", gettext_lazy("Account made")
        ACCOUNT_CHANGED = "account_changed", gettext_lazy("Rights changed")
        LOGIN = "login", gettext_lazy("Logged in")
        LOGIN_FAILED = "login_failed", gettext_lazy("Log-in failed")
        LOGOUT = "logout", gettext_lazy("Logged out")
        PASSWORD_CHANGED = "password_changed", gettext_lazy("Password changed")
        KEY_ADDED = "key_added", gettext_lazy("Provider key added")
        KEY_CHANGED = "key_changed", gettext_lazy("Provider key changed")
        KEY_REMOVED = "key_removed", gettext_lazy("Provider key removed")
        KEY_UNREADABLE = "key_unreadable", gettext_lazy("Provider key could not be read")
        TOKEN_CREATED = "token_created", gettext_lazy("API token made")
        TOKEN_REVOKED = "token_revoked", gettext_lazy("API token revoked")
        EXPORTED = "exported", gettext_lazy("Archive downloaded")
        BACKED_UP = "backed_up", gettext_lazy("Backup made")
        RESTORED = "restored", gettext_lazy("Backup restored")
        ADMIN_READ = "admin_read", gettext_lazy("Read by an administrator")

    # Whose account or object it is about; none for a log-in with an unknown name, and for the whole library.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="+", null=True, db_index=False
    )
    # Who did it; none for strangers and for the command line.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, related_name="+", null=True, db_index=False
    )
    verb = models.CharField("event", max_length=24, choices=Verb)
    label = models.CharField("what", max_length=120, blank=True)  # name of a connection, a token, a page
    address = models.GenericIPAddressField("from", null=True)
    created_at = models.DateTimeField("when", auto_now_add=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit log"
        indexes = [models.Index(fields=["owner", "-id"], name="audit_owner")]

    def __str__(self):
        return f"{self.get_verb_display()}: {self.label}" if self.label else self.get_verb_display()
