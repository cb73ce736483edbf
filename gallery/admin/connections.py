from django import forms
from django.contrib import admin, messages
from django.utils import timezone

from gallery import connections, vendors
from gallery.admin.base import GuardedAdmin
from gallery.models import ConnectionProfile
from gallery.money import costs


class ProfileForm(forms.ModelForm):
    """A key can be set and taken away, and never be read."""

    new_key = forms.CharField(
        label="New key",
        required=False,
        max_length=2000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Left empty, the key stays, unless provider or address change: then it is cleared.",
    )
    remove_key = forms.BooleanField(label="Remove the key", required=False)
    make_default = forms.BooleanField(label="Make it the default", required=False)

    class Meta:
        model = ConnectionProfile
        fields = (
            "owner", "name", "provider", "base_url", "default_model", "monthly_budget_usd", "max_at_once",
            "seconds_between",
        )  # fmt: skip

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        cleaned["seconds_between"] = cleaned.get("seconds_between") or 0
        facts = {name: cleaned.get(name) for name in connections.FIELDS & cleaned.keys()}
        try:
            is_new_place = not self.instance.pk or "base_url" in self.changed_data
            connections.clean(ConnectionProfile(**facts), is_new_place=is_new_place)
            connections.clean_key(cleaned.get("new_key", ""))
        except connections.ProfileError as exc:
            self.add_error({"api_key": "new_key"}.get(exc.field, exc.field), exc.message)
        return cleaned

    @property
    def api_key(self) -> str | None:
        """What the key becomes; None keeps it."""
        if self.cleaned_data["new_key"]:
            return self.cleaned_data["new_key"]
        return "" if self.cleaned_data["remove_key"] else None


class CheckFilter(admin.SimpleListFilter):
    """Which connections work, as their last check found."""

    title = "last check"
    parameter_name = "check"

    def lookups(self, request, model_admin):
        return [("ok", "Works"), ("failed", "Failed"), ("never", "Not tested")]

    def queryset(self, request, queryset):
        match self.value():
            case "ok":
                return queryset.filter(check_code="ok")
            case "failed":
                return queryset.exclude(check_code__in=["ok", ""])
            case "never":
                return queryset.filter(check_code="")
        return queryset


@admin.register(ConnectionProfile)
class ConnectionProfileAdmin(GuardedAdmin):
    """Staff see that a connection exists and whether it works; its owner and superusers change it."""

    private = ("base_url", "options", "sealed_key", "key_hint")
    form = ProfileForm
    list_display = [
        "name",
        "owner",
        "provider",
        "has_key",
        "is_default",
        "works",
        "monthly_budget_usd",
        "created_at",
    ]
    list_filter = ["provider", "is_default", CheckFilter, "owner"]
    list_select_related = ["owner"]
    search_fields = ["name", "owner__username"]
    autocomplete_fields = ["owner"]
    actions = ["test"]
    readonly_fields = ["public_id", "has_key", "is_default", "works", "spent", "paused_until", "created_at"]

    def get_fieldsets(self, request, obj=None):
        reach = [
            "name", "provider", "base_url", "default_model", "monthly_budget_usd", "max_at_once",
            "seconds_between",
        ]  # fmt: skip
        who = ["owner"] if obj or request.user.is_superuser else []
        state = ["public_id", "is_default", "has_key", "works", "spent", "paused_until", "created_at"]
        if obj and not self.is_theirs(request, obj):
            return [(None, {"fields": ["owner", "name", "provider", "default_model", *state]})]
        secret = ["new_key", *(["remove_key"] if obj else []), "make_default"]
        groups = [(None, {"fields": [*who, *reach]}), ("Key and default", {"fields": secret})]
        return [*groups, ("State", {"fields": state})] if obj else groups

    def get_readonly_fields(self, request, obj=None):
        return [*self.readonly_fields, "owner"] if obj else self.readonly_fields

    def is_theirs(self, request, obj) -> bool:
        return request.user.is_superuser or obj.owner_id == request.user.pk

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or self.is_theirs(request, obj))

    def has_delete_permission(self, request, obj=None):
        """Only superusers delete from the list: it holds other people's rows too."""
        theirs = self.is_theirs(request, obj) if obj else request.user.is_superuser
        return theirs and super().has_delete_permission(request, obj)

    def save_model(self, request, obj, form, change):
        facts = {name: form.cleaned_data[name] for name in connections.FIELDS & form.cleaned_data.keys()}
        default = form.cleaned_data["make_default"] or None
        if change:
            saved = ConnectionProfile.objects.get(pk=obj.pk)
            connections.change(saved, api_key=form.api_key, is_default=default, **facts)
        else:
            owner = obj.owner if request.user.is_superuser else request.user
            saved = connections.create(owner, api_key=form.api_key or "", is_default=default, **facts)
        obj.__dict__.update(saved.__dict__)

    def delete_model(self, request, obj):
        connections.remove(obj)

    def delete_queryset(self, request, queryset):
        for profile in queryset:
            connections.remove(profile)

    @admin.display(description="key", boolean=True)
    def has_key(self, profile):
        return profile.has_api_key

    @admin.display(description="last check", ordering="checked_at")
    def works(self, profile):
        if not profile.checked_at:
            return "never"
        return f"{profile.check_code}, {timezone.localtime(profile.checked_at):%d %B %Y %H:%M}"

    @admin.display(description="spent this month")
    def spent(self, profile):
        return f"${costs.spent_this_month(profile):.2f}"

    @admin.action(description="Test the key (free of charge)", permissions=["change"])
    def test(self, request, queryset):
        rows = queryset if request.user.is_superuser else queryset.owned_by(request.user)
        for profile in rows[:20]:
            result = vendors.check_profile(profile)
            level = messages.SUCCESS if result.ok else messages.ERROR
            self.message_user(request, f"{profile.name}: {result.message}", level)
