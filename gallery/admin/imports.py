from django.contrib import admin

from gallery.admin.base import OperationsAdmin, picture
from gallery.imports import importing
from gallery.models import Import, ImportEntry


@admin.register(Import)
class ImportAdmin(OperationsAdmin):
    private = ("archive_name",)
    private_searches = ("archive_name",)
    list_display = [
        "short_id",
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
    ordering = ["-id"]
    sortable_by = ()
    search_fields = ["job__public_id__exact"]
    search_help_text = "The id of an import."
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
