"""What all pages of the admin share: who sees which rows, and what of them."""

from uuid import UUID

from django import forms
from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import JSONField
from django.urls import reverse
from django.utils.html import format_html

from gallery import audit
from gallery.admin.lists import ShortPaginator
from gallery.files.media import thumbnail_url

HIDDEN = "(the owner's alone)"


def picture(image, size: str = "small", alt: str = ""):
    """A thumbnail with its size given, so that the page does not jump; `alt` is for one that is a link."""
    if image is None:
        return "–"
    return format_html(
        '<img class="thumb {}" src="{}" alt="{}" loading="lazy">',
        size,
        thumbnail_url(image.public_id, image.owner_id, 320),
        alt,
    )


def id_of(text: str) -> UUID | None:
    """The public id that `text` is, if it is one."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def link(obj, text):
    """A link to the page of `obj` in the admin."""
    name = f"admin:{obj._meta.app_label}_{obj._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(name, args=[obj.pk]), text)


class SuperuserAdmin(admin.ModelAdmin):
    """Pages for superusers alone, whatever staff were given: who changes these can do anything."""

    def has_module_permission(self, request):
        return request.user.is_superuser

    def has_view_permission(self, request, obj=None):
        return request.user.is_superuser

    has_add_permission = has_module_permission
    has_change_permission = has_delete_permission = has_view_permission


class NotedAdmin(admin.ModelAdmin):
    """Pages on which an administrator may see what belongs to others. Who opens one is noted."""

    paginator = ShortPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # each would count the whole table

    def get_search_results(self, request, queryset, search_term):
        """An id is found by its index; for anything else, the texts are looked through."""
        public_id = id_of(search_term)
        if public_id and hasattr(self.model, "public_id"):
            return queryset.filter(public_id=public_id), False
        return self.find(request, queryset, search_term) if search_term else (queryset, False)

    def find(self, request, queryset, text):
        """The rows that `text` describes, and whether some may come twice."""
        return super().get_search_results(request, queryset, text)

    def owner_of(self, obj):
        return obj.owner_id

    def changelist_view(self, request, extra_context=None):
        response = super().changelist_view(request, extra_context)
        if request.user.is_superuser and request.method == "GET" and response.status_code == 200:
            audit.note(audit.Verb.ADMIN_READ, None, f"List of {self.opts.verbose_name_plural}")
        return response

    def changeform_view(self, request, object_id=None, form_url="", extra_context=None):
        response = super().changeform_view(request, object_id, form_url, extra_context)
        self.note_page(request, object_id, response)
        return response

    def history_view(self, request, object_id, extra_context=None):
        response = super().history_view(request, object_id, extra_context)
        self.note_page(request, object_id, response)
        return response

    def note_page(self, request, object_id, response):
        obj = self.get_object(request, object_id) if object_id and response.status_code < 400 else None
        owner = self.owner_of(obj) if obj else None
        if owner and owner != request.user.pk:
            audit.note(audit.Verb.ADMIN_READ, owner, f"{self.opts.verbose_name} {object_id}")


class ReadAdmin(NotedAdmin):
    """Rows that nobody makes or changes by hand. The right to change them is the right to use the actions."""

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return obj is None and super().has_change_permission(request, obj)

    def get_model_perms(self, request):
        """For the overview, where “change” would promise too much."""
        return super().get_model_perms(request) | {"change": False}


class OwnedAdmin(NotedAdmin):
    """Rows that belong to people. Staff without superuser rights have their own only."""

    def get_queryset(self, request):
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.filter(owner=request.user)

    def get_list_filter(self, request):
        filters = super().get_list_filter(request)
        return filters if request.user.is_superuser else [name for name in filters if name != "owner"]

    def get_readonly_fields(self, request, obj=None):
        """The owner is chosen once, and by superusers; everybody else's rows are their own."""
        fields = super().get_readonly_fields(request, obj)
        return (*fields, "owner") if obj else fields

    def get_exclude(self, request, obj=None):
        return ("owner",) if obj is None and not request.user.is_superuser else None

    def save_model(self, request, obj, form, change):
        if not change and not request.user.is_superuser:
            obj.owner = request.user
        super().save_model(request, obj, form, change)


class KeptAdmin(ReadAdmin, OwnedAdmin):
    """What people keep to work with: written on the screens that explain it, looked after here."""

    view_on_site = False
    list_select_related = ["owner"]


class GuardedAdmin(NotedAdmin):
    """Rows of all people, of which some columns are private: to look at, to sort and to search by."""

    private: tuple[str, ...] = ()  # what only the owner and superusers see

    def lookup_allowed(self, lookup, value, request):
        if not request.user.is_superuser and lookup.partition("__")[0] in self.private:
            return False
        return super().lookup_allowed(lookup, value, request)

    def get_list_display(self, request):
        columns = super().get_list_display(request)
        return (
            columns if request.user.is_superuser else [name for name in columns if name not in self.private]
        )


class OperationsAdmin(ReadAdmin, GuardedAdmin):
    """Rows that staff look after without seeing what is in them. Nothing is made or changed by hand."""

    private_searches: tuple[str, ...] = ()  # look-ups that would tell
    facts: list[str] = []  # what stands on the page of a row; none: all columns
    content: tuple[str, ...] = ()  # what stands below them for those who may see it; none: what is private
    view_on_site = False

    def has_delete_permission(self, request, obj=None):
        return False

    @admin.display(description="id", ordering="pk")
    def short_id(self, obj):
        """The end of the public id, which is all chance; its beginning is the time."""
        return str(obj.public_id)[-12:]

    def action_checkbox(self, obj):
        """Django names the row by its text, which for a generation is the prompt."""
        label = {"class": "action-select", "aria-label": f"Select row {obj.pk}"}
        checkbox = forms.CheckboxInput(label, lambda value: False)
        return checkbox.render(ACTION_CHECKBOX_NAME, str(obj.pk))

    def get_fields(self, request, obj=None):
        if not self.facts:
            return super().get_fields(request, obj)
        may_see_all = obj and self.may_see_all(request, obj)
        return [*self.facts, *(self.content or self.private)] if may_see_all else self.facts

    def may_see_all(self, request, obj) -> bool:
        return request.user.is_superuser or self.owner_of(obj) == request.user.pk

    def get_object(self, request, object_id, from_field=None):
        """Private texts are blanked in the copy that the page is made of, its title included."""
        obj = super().get_object(request, object_id, from_field)
        if obj is not None and not self.may_see_all(request, obj):
            for name in self.private:
                is_json = isinstance(self.opts.get_field(name), JSONField)
                setattr(obj, name, {} if is_json else HIDDEN)
        return obj

    def get_search_fields(self, request):
        fields = super().get_search_fields(request)
        return [*fields, *self.private_searches] if request.user.is_superuser else fields
