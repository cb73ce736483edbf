from typing import Any

from django.contrib import admin, messages
from django.utils.html import format_html_join

from gallery.admin.base import OperationsAdmin, picture
from gallery.admin.lists import (
    ChoiceFilter,
    ErrorFilter,
    ModelFilter,
    ProviderFilter,
    RecentCallFilter,
    RecentFilter,
)
from gallery.generations import generation as generations
from gallery.models import Assist, Generation, GenerationCall
from gallery.models.generation import IsOpen
from gallery.prompting import prompthistory
from providers.errors import ProviderError

CALL_FACTS = [
    "public_id", "index", "n", "state", "run_after", "attempts", "lease_until", "sent_at", "finished_at",
    "images_received", "cost_usd", "cost_source", "request_id", "error_code", "error_message", "retryable",
    "may_have_been_charged",
]  # fmt: skip


class CallInline(admin.TabularInline):
    model = GenerationCall
    fields = (
        "index",
        "n",
        "state",
        "attempts",
        "sent_at",
        "finished_at",
        "cost_usd",
        "error_code",
    )
    extra = 0
    can_delete = False

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_view_permission(self, request, obj=None):
        return True  # whoever sees a generation sees its calls, which hold no prompt


@admin.register(Generation)
class GenerationAdmin(OperationsAdmin):
    """State, time and cost for staff; what was asked and what came of it for the owner and superusers."""

    private = ("prompt", "prompt_sent", "receipt", "params", "provider_message")
    list_display = [
        "short_id", "owner", "provider", "model", "status", "n", "cost", "created_at", "took", "error_code",
    ]  # fmt: skip
    list_filter = [
        "status", RecentFilter, ProviderFilter, ModelFilter, ErrorFilter, "may_have_been_charged", "owner",
    ]  # fmt: skip
    list_select_related = ["owner"]
    search_fields = ["request_id__exact"]
    search_help_text = "An id of ours, or the vendor's id of the request."
    inlines = [CallInline]
    actions = ["cancel", "retry"]
    facts = [
        "public_id", "owner", "profile", "provider", "model", "mode", "n", "status", "cancel_requested",
        "estimated_cost_usd", "cost_usd", "cost_source", "created_at", "started_at", "finished_at",
        "error_code", "error_message", "request_id", "retryable", "may_have_been_charged", "again_of",
    ]  # fmt: skip

    def get_fieldsets(self, request, obj=None):
        groups: list[Any] = [(None, {"fields": self.facts})]
        if obj and self.may_see_all(request, obj):
            content = [
                "prompt",
                "prompt_sent",
                "params",
                "provider_message",
                "tag_list",
                "sent_along",
                "pictures",
            ]
            groups.append(("What was asked, and what came", {"fields": content}))
        return groups

    def find(self, request, queryset, text):
        """Superusers find prompts by their words as well."""
        rows, _ = super().find(request, queryset, text)
        if request.user.is_superuser and not rows.exists():
            rows = queryset.filter(pk__in=prompthistory.newest_with(text))
        return rows, False

    def get_readonly_fields(self, request, obj=None):
        return ["again_of", "tag_list", "sent_along", "pictures"]

    @admin.display(description="cost", ordering="cost_usd")
    def cost(self, generation):
        return "–" if generation.cost_usd is None else f"${generation.cost_usd:.4f}"

    @admin.display(description="took")
    def took(self, generation):
        if not (generation.started_at and generation.finished_at):
            return "–"
        return f"{(generation.finished_at - generation.started_at).total_seconds():.0f} s"

    @admin.display(description="another try of")
    def again_of(self, generation):
        return generation.retry_of.public_id if generation.retry_of else "–"

    @admin.display(description="tags")
    def tag_list(self, generation):
        return ", ".join(tag.spec for tag in generation.tags.all()) or "–"

    @admin.display(description="pictures that went along")
    def sent_along(self, generation):
        rows = generation.references.select_related("image")
        return format_html_join("", "{}", ((picture(row.image),) for row in rows)) or "–"

    @admin.display(description="pictures")
    def pictures(self, generation):
        results = generation.results.select_related("image")
        return format_html_join("", "{}", ((picture(result.image),) for result in results)) or "–"

    @admin.action(description="Stop what has not been sent yet", permissions=["change"])
    def cancel(self, request, queryset):
        active = list(queryset.active())
        for generation in active:
            generations.cancel(generation)
        self.message_user(request, f"Stopped: {len(active)}. What had been sent is kept when it comes.")

    @admin.action(description="Try again, your own only (costs money)", permissions=["change"])
    def retry(self, request, queryset):
        """Other people's money is theirs to spend."""
        mine = queryset.filter(owner=request.user)
        done = 0
        for generation in mine:
            try:
                generations.retry(generation)
                done += 1
            except ProviderError as exc:
                self.message_user(request, f"{generation.public_id}: {exc.message}", messages.ERROR)
        self.message_user(
            request,
            f"Tried again: {done}. Left alone, because they are not yours: {skipped(queryset, mine)}.",
        )


def skipped(queryset, mine) -> int:
    return queryset.count() - mine.count()


class StateFilter(ChoiceFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request, model_admin):
        return GenerationCall.State.choices

    def queryset(self, request, queryset):
        rows = super().queryset(request, queryset)
        few = GenerationCall.objects.open().order_by().values("pk")
        return rows.filter(pk__in=few) if self.value() in IsOpen.STATES else rows


@admin.register(GenerationCall)
class GenerationCallAdmin(OperationsAdmin):
    private = ("provider_message",)
    list_display = [
        "short_id",
        "owner",
        "state",
        "n",
        "attempts",
        "run_after",
        "sent_at",
        "finished_at",
        "error_code",
    ]
    list_filter = [StateFilter, "held", RecentCallFilter, ErrorFilter, "may_have_been_charged"]
    list_select_related = ["generation__owner"]
    ordering = ["-id"]
    sortable_by = ()
    search_fields = ["request_id__exact"]
    search_help_text = "An id of ours, or the vendor's id of the request."
    facts = ["owner", *CALL_FACTS]
    content = ("provider_message", "usage")

    def get_readonly_fields(self, request, obj=None):
        return ["owner"]

    def owner_of(self, obj):
        return obj.generation.owner_id

    @admin.display(ordering="generation__owner")
    def owner(self, call):
        return call.generation.owner


@admin.register(Assist)
class AssistAdmin(OperationsAdmin):
    """Texts that models wrote. Staff see what they cost, not what was asked and what they say."""

    private = ("asked", "answer")
    list_display = [
        "short_id",
        "owner",
        "purpose",
        "provider",
        "model",
        "cost_usd",
        "error_code",
        "created_at",
    ]
    list_filter = ["purpose", RecentFilter, ProviderFilter, ErrorFilter, "may_have_been_charged", "owner"]
    list_select_related = ["owner"]
    search_fields = ["request_id__exact"]
    search_help_text = "An id of ours, or the vendor's id of the request."
    raw_id_fields = ["image"]
