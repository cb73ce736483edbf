"""Work on many pictures at once: grids of cells, comparisons of models, actions on a selection, downloads."""

from django.contrib import admin
from django.db.models import Count
from django.template.defaultfilters import filesizeformat

from gallery import batches, bulk
from gallery.admin.base import OperationsAdmin, link
from gallery.bulk import words
from gallery.models import Batch, BatchCell, BulkAction, Comparison, ComparisonColumn, Download


@admin.register(Batch)
class BatchAdmin(OperationsAdmin):
    """Grids that are sent cell by cell. Staff see how far they are and what they cost."""

    private = ("prompt", "axes", "recipe")
    list_display = [
        "short_id", "owner", "prompt", "state", "size", "estimated_cost_usd", "created_at", "finished_at",
    ]  # fmt: skip
    list_filter = ["state", "owner"]
    list_select_related = ["owner"]
    search_fields = ["=public_id"]
    actions = ["pause", "cancel", "go_on"]
    facts = [
        "public_id", "owner", "profile", "state", "reason", "size", "cells_by_state", "estimated_cost_usd",
        "created_at", "begun_at", "finished_at",
    ]  # fmt: skip

    def get_readonly_fields(self, request, obj=None):
        return ["cells_by_state"]

    @admin.display(description="cells")
    def cells_by_state(self, batch):
        counted = batch.cells.order_by("state").values_list("state").annotate(n=Count("pk"))
        return ", ".join(f"{n} {BatchCell.State(state).label.lower()}" for state, n in counted) or "–"

    @admin.action(description="Pause: what is under way comes to its end", permissions=["change"])
    def pause(self, request, queryset):
        running = list(queryset.filter(state=Batch.State.RUNNING))
        for batch in running:
            batches.pause(batch)
        self.message_user(request, f"Paused: {len(running)}.")

    @admin.action(description="Stop what has not been sent yet", permissions=["change"])
    def cancel(self, request, queryset):
        active = list(queryset.filter(state__in=[Batch.State.RUNNING, Batch.State.PAUSED]))
        for batch in active:
            batches.cancel(batch)
        self.message_user(request, f"Stopped: {len(active)}. What had been sent is kept when it comes.")

    @admin.action(description="Go on, your own only (costs money)", permissions=["change"])
    def go_on(self, request, queryset):
        """Other people's money is theirs to spend."""
        mine = list(queryset.filter(owner=request.user))
        for batch in mine:
            batches.resume(batch)
        others = queryset.count() - len(mine)
        self.message_user(request, f"Going on: {len(mine)}. Not yours, and left alone: {others}.")


@admin.register(BatchCell)
class BatchCellAdmin(OperationsAdmin):
    """One place of a grid. What is written on its edges are words of the prompt."""

    private = ("row", "column", "prompt", "params", "error")
    list_display = ["__str__", "owner", "state", "attempt", "made", "earlier_cost_usd", "row", "column"]
    list_filter = ["state"]
    list_select_related = ["batch__owner", "generation"]
    search_fields = ["batch__public_id__exact", "generation__public_id__exact"]
    facts = ["grid", "owner", "index", "state", "attempt", "made", "earlier_cost_usd"]

    def get_readonly_fields(self, request, obj=None):
        return ["grid", "owner", "made"]

    def owner_of(self, obj):
        return obj.batch.owner_id

    @admin.display(ordering="batch__owner")
    def owner(self, cell):
        return cell.batch.owner

    @admin.display(description="batch")
    def grid(self, cell):
        return link(cell.batch, cell.batch.public_id)

    @admin.display(description="generation")
    def made(self, cell):
        return link(cell.generation, cell.generation.get_status_display()) if cell.generation else "–"


class ColumnInline(admin.TabularInline):
    model = ComparisonColumn
    fields = ("position", "provider", "model", "state", "error_code")
    readonly_fields = ("state",)
    extra = 0
    can_delete = False

    def get_queryset(self, request):
        return super().get_queryset(request).prefetch_related("generations")

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_view_permission(self, request, obj=None):
        return True  # whoever sees a comparison sees which models it was sent to

    @admin.display(description="state")
    def state(self, column):
        return column.generation.get_status_display() if column.generation else "Not sent"


@admin.register(Comparison)
class ComparisonAdmin(OperationsAdmin):
    """One prompt on several models. Staff see which models, and what became of them."""

    private = ("prompt",)
    list_display = ["short_id", "owner", "prompt", "models", "is_decided", "created_at"]
    list_filter = [("kept", admin.EmptyFieldListFilter), "owner"]
    list_select_related = ["owner"]
    search_fields = ["=public_id"]
    inlines = [ColumnInline]
    facts = ["public_id", "owner", "is_decided", "created_at"]

    def get_queryset(self, request):
        return super().get_queryset(request).annotate(models_asked=Count("columns"))

    def get_readonly_fields(self, request, obj=None):
        return ["is_decided"]

    @admin.display(description="models", ordering="models_asked")
    def models(self, comparison):
        return comparison.models_asked

    @admin.display(description="one was kept", boolean=True)
    def is_decided(self, comparison):
        return comparison.kept_id is not None


@admin.register(BulkAction)
class BulkActionAdmin(OperationsAdmin):
    """What was done to many pictures at once. The tags and the search say what is in them."""

    private = ("params", "query", "error")
    content = ("sentence", "query", "error")
    list_display = [
        "short_id", "owner", "action", "status", "done", "matched", "changed", "created_at", "finished_at",
    ]  # fmt: skip
    list_filter = ["status", "action", "owner"]
    list_select_related = ["owner"]
    search_fields = ["=public_id"]
    actions = ["stop", "undo"]
    facts = [
        "public_id", "owner", "action", "status", "done", "matched", "changed", "lease_until", "created_at",
        "finished_at", "undone_at",
    ]  # fmt: skip

    def get_readonly_fields(self, request, obj=None):
        return ["sentence"]

    @admin.display(description="in a sentence")
    def sentence(self, action):
        return words.sentence(action)

    @admin.action(description="Stop before the next part", permissions=["change"])
    def stop(self, request, queryset):
        active = list(queryset.filter(status__in=[BulkAction.Status.QUEUED, BulkAction.Status.RUNNING]))
        for action in active:
            bulk.stop(action)
        self.message_user(request, f"Stopped: {len(active)}. What was done stays, and can be undone.")

    @admin.action(description="Undo, your own only", permissions=["change"])
    def undo(self, request, queryset):
        """Other people's pictures are theirs to sort."""
        mine = [action for action in queryset.filter(owner=request.user) if action.can_be_undone]
        for action in mine:
            bulk.undo(action)
        self.message_user(request, f"Undone: {len(mine)}.")


@admin.register(Download)
class DownloadAdmin(OperationsAdmin):
    """Archives that were put together. Their names and lists say what is in them."""

    private = ("name", "entries")
    list_display = ["short_id", "owner", "name", "n", "size", "created_at"]
    list_filter = ["owner"]
    list_select_related = ["owner"]
    search_fields = ["=public_id"]
    fields = ["public_id", "owner", "name", "n", "size", "created_at"]
    readonly_fields = ["size"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("entries")  # thousands of lines

    @admin.display(description="size", ordering="bytes")
    def size(self, download):
        return filesizeformat(download.bytes)
