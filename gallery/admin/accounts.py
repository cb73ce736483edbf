from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.utils import timezone

from gallery import accounts, audit
from gallery.admin.base import OwnedAdmin, SuperuserAdmin
from gallery.admin.lists import ShortPaginator
from gallery.models import ApiToken, AuditEntry, User

admin.site.unregister([EmailAddress, Group])  # there is no e-mail here, and groups are rebuilt below


RIGHTS = {"username", "is_active", "is_staff", "is_superuser", "groups", "user_permissions"}


@admin.register(User)
class UserAdmin(SuperuserAdmin, DjangoUserAdmin):
    """People. They are disabled rather than deleted, because the database cannot delete their files."""

    list_display = ["username", "is_active", "is_staff", "is_superuser", "date_joined", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups"]
    search_fields = ["username", "first_name", "last_name"]
    date_hierarchy = "date_joined"
    actions = ["enable", "disable"]
    fieldsets = (
        *(DjangoUserAdmin.fieldsets or ()),
        ("Money", {"fields": ("monthly_budget_usd", "warn_percent")}),
    )

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.action(description="Disable: end their sessions and stop their tokens")
    def disable(self, request, queryset):
        changed = self.switch(queryset.exclude(pk=request.user.pk), False)
        self.message_user(request, f"Accounts disabled: {changed}. Your own is never among them.")

    @admin.action(description="Enable")
    def enable(self, request, queryset):
        self.message_user(request, f"Accounts enabled: {self.switch(queryset, True)}.")

    def switch(self, people, is_active: bool) -> int:
        changed = list(people.exclude(is_active=is_active))
        for user in changed:
            user.is_active = is_active
            user.save(update_fields=["is_active"])
            audit.note(audit.Verb.ACCOUNT_CHANGED, user.pk, "enabled" if is_active else "disabled")
        return len(changed)

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if change and (changed := RIGHTS & set(form.changed_data)):
            audit.note(audit.Verb.ACCOUNT_CHANGED, obj.pk, ", ".join(sorted(changed)))


@admin.register(Group)
class GroupAdmin(SuperuserAdmin, DjangoGroupAdmin):
    pass


class TokenForm(forms.ModelForm):
    class Meta:
        model = ApiToken
        fields = ("owner", "name", "scope")


@admin.register(ApiToken)
class ApiTokenAdmin(OwnedAdmin):
    """Tokens are made and revoked; nothing about them can be changed, and none can be read again."""

    form = TokenForm
    list_display = ["name", "owner", "scope", "masked", "created_at", "last_used_at", "expires_at", "state"]
    list_filter = ["scope", ("revoked_at", admin.EmptyFieldListFilter), "owner"]
    list_select_related = ["owner"]
    search_fields = ["name", "owner__username"]
    autocomplete_fields = ["owner"]
    actions = ["revoke"]

    def has_change_permission(self, request, obj=None):
        return obj is None and super().has_change_permission(request, obj)

    def get_fields(self, request, obj=None):
        if obj:
            return [
                "name",
                "owner",
                "scope",
                "masked",
                "created_at",
                "last_used_at",
                "expires_at",
                "revoked_at",
            ]
        return ["owner", "name", "scope"] if request.user.is_superuser else ["name", "scope"]

    @admin.display(description="token")
    def masked(self, token):
        return f"…{token.hint}"

    @admin.display(description="state")
    def state(self, token):
        if token.revoked_at:
            return "revoked"
        return "expired" if token.expires_at and token.expires_at <= timezone.now() else "usable"

    def save_model(self, request, obj, form, change):
        owner = obj.owner if request.user.is_superuser else request.user
        row, token = ApiToken.issue(owner, obj.name, obj.scope)
        obj.__dict__.update(row.__dict__)
        messages.warning(request, f"The token is {token} – copy it now, it is not shown again.")

    @admin.action(description="Revoke", permissions=["change"])
    def revoke(self, request, queryset):
        changed = accounts.revoke(queryset)
        self.message_user(request, f"Tokens revoked: {changed}. They stopped working at once.")


@admin.register(AuditEntry)
class AuditEntryAdmin(SuperuserAdmin):
    """The audit log, to read."""

    list_display = ["created_at", "verb", "label", "owner", "actor", "address"]
    list_filter = ["verb", ("owner", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["owner", "actor"]
    list_display_links = None
    search_fields = ["label", "address", "owner__username", "actor__username"]
    paginator = ShortPaginator
    show_full_result_count = False
    sortable_by = ()
    actions = None

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False
