from statistics import median

from django.contrib import admin

from gallery.admin.base import OperationsAdmin
from gallery.admin.lists import ProviderFilter
from gallery.models import ModelTimes, QueuedTask, Worker
from gallery.work import parking


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


@admin.register(ModelTimes)
class ModelTimesAdmin(OperationsAdmin):
    """How long models took lately: by these, people are told how long they will wait."""

    list_display = ["model", "provider", "typical", "slowest", "number"]
    list_filter = [ProviderFilter]
    search_fields = ["model"]
    fields = ["provider", "model", "typical", "slowest", "number"]
    readonly_fields = ["typical", "slowest", "number"]

    def owner_of(self, obj):
        return None

    @admin.display(description="typical time")
    def typical(self, row):
        return f"{median(row.seconds):.0f} s" if row.seconds else "–"

    @admin.display(description="longest")
    def slowest(self, row):
        return f"{max(row.seconds):.0f} s" if row.seconds else "–"

    @admin.display(description="calls looked at")
    def number(self, row):
        return len(row.seconds)
