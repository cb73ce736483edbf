from django.contrib import admin
from django.utils.html import format_html

from gallery.admin.base import KeptAdmin, picture
from gallery.models import NearDuplicate
from gallery.pictures import duplicates


@admin.register(NearDuplicate)
class NearDuplicateAdmin(KeptAdmin):
    """Pairs that look alike. Which of two is kept is decided where both can be compared."""

    list_display = ["pair", "owner", "distance", "decision"]
    list_filter = ["decision", "distance", "owner"]
    list_select_related = ["owner", "first", "second"]
    search_fields = ["first__public_id__exact", "second__public_id__exact"]
    actions = ["keep_both", "ask_again"]
    fields = ["owner", "large_pair", "distance", "decision"]
    readonly_fields = ["large_pair"]

    @admin.display(description="pictures")
    def pair(self, row):
        return format_html("{}{}", picture(row.first), picture(row.second))

    @admin.display(description="pictures")
    def large_pair(self, row):
        return format_html("{}{}", picture(row.first, "large"), picture(row.second, "large"))

    @admin.action(description="Keep both", permissions=["change"])
    def keep_both(self, request, queryset):
        self.message_user(request, f"Both kept: {decide(queryset, duplicates.keep_both)}.")

    @admin.action(description="Ask again", permissions=["change"])
    def ask_again(self, request, queryset):
        self.message_user(request, f"Asked again: {decide(queryset, duplicates.ask_again)}.")


def decide(pairs, deed) -> int:
    rows = list(pairs)
    for pair in rows:
        deed(pair)
    return len(rows)
