from django.contrib import admin, messages
from django.utils.html import format_html_join

from gallery.admin.base import KeptAdmin
from gallery.models import HouseStyle, Placeholder, Preset, SavedPrompt, SavedSearch
from gallery.prompting import savedprompts

SHOWN = 80  # characters of a text in a list


def beginning(text: str) -> str:
    """As much of `text` as a column has room for."""
    line = " ".join(text.split())
    return f"{line[:SHOWN].rstrip()}…" if len(line) > SHOWN else line


def pairs(values: dict):
    """Names and values, one pair on each line."""
    lines = ((name.replace("_", " "), value) for name, value in values.items())
    return format_html_join("", "<div><b>{}</b> {}</div>", lines) or "–"


class DeletedFilter(admin.SimpleListFilter):
    title = "place"
    parameter_name = "place"

    def lookups(self, request, model_admin):
        return [("deleted", "Deleted, can be taken back"), ("all", "Everywhere")]

    def choices(self, changelist):
        kept, *others = super().choices(changelist)
        return [{**kept, "display": "Kept"}, *others]

    def queryset(self, request, queryset):
        places = {None: queryset.kept, "deleted": lambda: queryset.exclude(deleted_at=None)}
        return places.get(self.value(), queryset.all)()


@admin.register(SavedPrompt)
class SavedPromptAdmin(KeptAdmin):
    """Prompts with names. A deleted one can be taken back for a day."""

    list_display = ["name", "folder", "owner", "text_begins", "updated_at", "deleted_at"]
    list_filter = [DeletedFilter, "owner"]
    search_fields = ["name", "folder", "text"]
    actions = ["delete_for_now", "restore"]
    fields = [
        "public_id", "owner", "folder", "name", "text", "negative_text", "chosen", "created_at",
        "updated_at", "deleted_at",
    ]  # fmt: skip
    readonly_fields = ["chosen"]

    def has_delete_permission(self, request, obj=None):
        """What is deleted by the actions can be taken back."""
        return False

    @admin.display(description="prompt")
    def text_begins(self, saved):
        return beginning(saved.text)

    @admin.display(description="parameters")
    def chosen(self, saved):
        return pairs(saved.recipe)

    @admin.action(description="Delete; can be taken back for a day", permissions=["change"])
    def delete_for_now(self, request, queryset):
        kept = list(queryset.kept())
        for saved in kept:
            savedprompts.delete(saved)
        self.message_user(request, f"Deleted: {len(kept)}.")

    @admin.action(description="Take the deletion back", permissions=["change"])
    def restore(self, request, queryset):
        done = 0
        for saved in queryset.exclude(deleted_at=None):
            try:
                savedprompts.restore(saved)
                done += 1
            except savedprompts.SavedPromptError as exc:
                self.message_user(request, exc.message, messages.ERROR)
        self.message_user(request, f"Taken back: {done}.")


@admin.register(Preset)
class PresetAdmin(KeptAdmin):
    list_display = ["name", "kind", "owner", "sets", "updated_at"]
    list_filter = ["kind", "owner"]
    search_fields = ["name"]
    fields = ["public_id", "owner", "kind", "name", "chosen", "updated_at"]
    readonly_fields = ["chosen"]

    @admin.display(description="sets")
    def sets(self, preset):
        return ", ".join(name.replace("_", " ") for name in preset.values)

    @admin.display(description="values")
    def chosen(self, preset):
        return pairs(preset.values)


@admin.register(Placeholder)
class PlaceholderAdmin(KeptAdmin):
    list_display = ["__str__", "owner", "stands_for", "number", "updated_at"]
    list_filter = ["owner"]
    search_fields = ["name"]
    fields = ["public_id", "owner", "name", "lines", "updated_at"]
    readonly_fields = ["lines"]

    @admin.display(description="stands for")
    def stands_for(self, placeholder):
        return beginning(" | ".join(placeholder.values))

    @admin.display(description="values")
    def number(self, placeholder):
        return len(placeholder.values)

    @admin.display(description="values")
    def lines(self, placeholder):
        return format_html_join("", "<div>{}</div>", ((value,) for value in placeholder.values))


@admin.register(HouseStyle)
class HouseStyleAdmin(KeptAdmin):
    """What is added to the prompts of a person, or of one of their chats."""

    list_display = ["holds_for", "owner", "scene_begins", "people_begins"]
    list_filter = ["owner"]
    list_select_related = ["owner", "chat__parent"]
    search_fields = ["chat__name", "scene", "people"]
    fields = ["public_id", "owner", "chat", "scene", "people"]

    @admin.display(description="for")
    def holds_for(self, style):
        return style.chat.name if style.chat else "Everything"

    @admin.display(description="every picture")
    def scene_begins(self, style):
        return beginning(style.scene)

    @admin.display(description="pictures with somebody of the cast")
    def people_begins(self, style):
        return beginning(style.people)


@admin.register(SavedSearch)
class SavedSearchAdmin(KeptAdmin):
    list_display = ["name", "query", "sort", "owner", "pinned", "created_at"]
    list_filter = ["pinned", "owner"]
    search_fields = ["name", "query"]
    fields = ["public_id", "owner", "name", "query", "sort", "pinned", "created_at"]
