from typing import Any

from django.contrib import admin, messages
from django.utils.html import format_html_join

from gallery import generation as generations
from gallery import importing, parking
from gallery.admin.base import OperationsAdmin, picture
from gallery.models import Assist, Generation, GenerationCall, Import, ImportEntry, QueuedTask, Worker
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

    private = ("prompt", "prompt_sent", "params", "provider_message")
    private_searches = ("prompt",)
    list_display = [
        "public_id", "owner", "provider", "model", "status", "n", "cost", "created_at", "took", "error_code",
    ]  # fmt: skip
    list_filter = ["status", "provider", "error_code", "may_have_been_charged", "owner"]
    list_select_related = ["owner"]
    show_full_result_count = False
    search_fields = ["=public_id", "=request_id", "owner__username", "model"]
    date_hierarchy = "created_at"
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
            content = ["prompt", "prompt_sent", "params", "provider_message", "tag_list", "pictures"]
            groups.append(("What was asked, and what came", {"fields": content}))
        return groups

    def get_readonly_fields(self, request, obj=None):
        return ["again_of", "tag_list", "pictures"]

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


@admin.register(GenerationCall)
class GenerationCallAdmin(OperationsAdmin):
    private = ("provider_message",)
    list_display = [
        "public_id",
        "owner",
        "state",
        "n",
        "attempts",
        "run_after",
        "sent_at",
        "finished_at",
        "error_code",
    ]
    list_filter = ["state", "error_code", "may_have_been_charged"]
    list_select_related = ["generation__owner"]
    show_full_result_count = False
    search_fields = ["=public_id", "=request_id", "=generation__public_id"]
    date_hierarchy = "finished_at"

    def get_fields(self, request, obj=None):
        content = ["provider_message", "usage"] if obj and self.may_see_all(request, obj) else []
        return ["owner", *CALL_FACTS, *content]

    def get_readonly_fields(self, request, obj=None):
        return ["owner"]

    def owner_of(self, obj):
        return obj.generation.owner_id

    @admin.display(ordering="generation__owner")
    def owner(self, call):
        return call.generation.owner


@admin.register(Assist)
class AssistAdmin(OperationsAdmin):
    """Texts that models wrote. Staff see what they cost, not what they say."""

    private = ("answer",)
    list_display = [
        "public_id",
        "owner",
        "purpose",
        "provider",
        "model",
        "cost_usd",
        "error_code",
        "created_at",
    ]
    list_filter = ["purpose", "provider", "error_code", "owner"]
    list_select_related = ["owner"]
    search_fields = ["public_id", "request_id"]
    date_hierarchy = "created_at"
    raw_id_fields = ["image"]


@admin.register(Import)
class ImportAdmin(OperationsAdmin):
    private = ("archive_name",)
    private_searches = ("archive_name",)
    list_display = [
        "public_id",
        "owner",
        "archive_name",
        "status",
        "done",
        "total",
        "created_at",
        "finished_at",
    ]
    list_filter = ["status", "owner"]
    list_select_related = ["owner"]
    search_fields = ["=public_id", "owner__username"]
    date_hierarchy = "created_at"
    actions = ["cancel"]
    fields = [
        "public_id", "owner", "archive_name", "status", "cancel_requested", "done", "total", "error_message",
        "lease_until", "created_at", "finished_at",
    ]  # fmt: skip

    @admin.action(description="Stop before the next entry", permissions=["change"])
    def cancel(self, request, queryset):
        active = list(queryset.filter(status__in=Import.ACTIVE))
        for job in active:
            importing.cancel(job)
        self.message_user(request, f"Stopped: {len(active)}. What has come in stays.")


@admin.register(ImportEntry)
class ImportEntryAdmin(OperationsAdmin):
    """Addresses and file names tell what is in them: staff have their own only."""

    list_display = ["name", "job_id", "state", "error_code", "error_message"]
    list_filter = ["state", "error_code"]
    list_select_related = ["job__owner"]
    show_full_result_count = False
    search_fields = ["name", "=job__public_id"]
    fields = ["job", "index", "name", "state", "error_code", "error_message", "pictured"]
    readonly_fields = ["pictured"]

    def get_queryset(self, request):
        rows = super().get_queryset(request).select_related("image")
        return rows if request.user.is_superuser else rows.filter(job__owner=request.user)

    def owner_of(self, obj):
        return obj.job.owner_id

    @admin.display(description="picture")
    def pictured(self, entry):
        return picture(entry.image)


class SetAsideFilter(admin.SimpleListFilter):
    title = "set aside"
    parameter_name = "set_aside"

    def lookups(self, request, model_admin):
        return [("yes", "Yes: it stopped its worker again and again")]

    def queryset(self, request, queryset):
        return queryset.filter(attempts__gte=parking.CRASHES) if self.value() else queryset


@admin.register(QueuedTask)
class QueuedTaskAdmin(OperationsAdmin):
    list_display = [
        "id",
        "path",
        "args",
        "priority",
        "run_after",
        "lease_until",
        "worker",
        "attempts",
        "set_aside",
        "created_at",
    ]
    list_filter = [SetAsideFilter, "path", "worker"]
    date_hierarchy = "created_at"
    actions = ["start_again"]

    @admin.display(description="set aside", boolean=True)
    def set_aside(self, task):
        return task.attempts >= parking.CRASHES

    @admin.action(description="Start again what was set aside", permissions=["change"])
    def start_again(self, request, queryset):
        """A paid answer that was set aside is filed within a minute."""
        self.message_user(request, f"Started again: {parking.release(queryset)}.")

    def owner_of(self, obj):
        return None


@admin.register(Worker)
class WorkerAdmin(OperationsAdmin):
    list_display = ["name", "started_at", "seen_at"]

    def owner_of(self, obj):
        return None
