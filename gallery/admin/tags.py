from django import forms
from django.contrib import admin
from django.db import transaction
from django.utils.html import format_html_join

from gallery import tagging
from gallery.admin.base import OwnedAdmin, picture
from gallery.models import Tag, User
from gallery.models.tag import fold
from gallery.tagging import implications
from gallery.tagging.tagspec import clean_name


class TagForm(forms.ModelForm):
    user: User  # who is at the keyboard; `get_form` says it

    class Meta:
        model = Tag
        fields = ("owner", "kind", "name", "description", "color", "pinned")

    def clean_name(self):
        name = self.cleaned_data["name"]
        try:
            return clean_name(name, self.instance.kind)
        except tagging.TagError as exc:
            raise forms.ValidationError(exc.message) from exc

    def clean(self):
        super().clean()
        cleaned = self.cleaned_data
        if "name" in cleaned and self.twins(cleaned).exists():
            self.add_error("name", "A tag of this kind and name exists already.")
        return cleaned

    def twins(self, cleaned):
        owner = cleaned.get("owner") or self.instance.owner_id or self.user.pk
        kind = cleaned.get("kind") or self.instance.kind
        rows = Tag.objects.filter(owner=owner, kind=kind, parent=self.instance.parent_id)
        rows = rows.filter(folded=fold(cleaned["name"]))
        return rows.exclude(pk=self.instance.pk)


@admin.register(Tag)
class TagAdmin(OwnedAdmin):
    form = TagForm
    list_display = [
        "portrait", "name", "kind", "parent", "owner", "pictures", "alias_of", "pinned", "created_at",
    ]  # fmt: skip
    list_display_links = ["portrait", "name"]
    list_filter = ["kind", "pinned", ("alias_of", admin.EmptyFieldListFilter), "owner"]
    list_select_related = ["owner", "avatar", "alias_of__parent", "parent"]
    search_fields = ["name", "folded"]
    autocomplete_fields = ["owner"]
    actions = ["recount"]
    view_on_site = False
    shown = (
        "slug", "parent", "alias_of", "spellings", "brings", "wording", "references", "pictures", "public_id",
        "created_at",
    )  # fmt: skip
    readonly_fields = ["portrait", *shown]

    def get_queryset(self, request):
        return super().get_queryset(request).with_counts()

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (form,), {"user": request.user})

    def formfield_for_choice_field(self, db_field, request, **kwargs):
        if db_field.name == "kind":  # a look is made where its character is: on the character's page
            kwargs["choices"] = [choice for choice in Tag.Kind.choices if choice[0] != Tag.Kind.LOOK]
        return super().formfield_for_choice_field(db_field, request, **kwargs)

    def get_fields(self, request, obj=None):
        typed = ["kind", "name", "description", "color", "pinned"]
        if obj:
            return ["portrait", "owner", *typed, *self.shown]
        return ["owner", *typed] if request.user.is_superuser else typed

    def get_readonly_fields(self, request, obj=None):
        fields = super().get_readonly_fields(request, obj)
        if obj is None:
            return fields
        # Another spelling is a name of its tag, and changed with the others there.
        return (*fields, "kind", "name") if obj.alias_of_id else (*fields, "kind")

    def save_model(self, request, obj, form, change):
        if change:
            self.save_change(obj, form.changed_data)
            return
        owner = obj.owner if request.user.is_superuser else request.user
        made = tagging.resolve(owner, [f'{obj.kind}:"{obj.name}"'])[0]
        for name in ("description", "color", "pinned"):
            setattr(made, name, getattr(obj, name))
        made.save(update_fields=["description", "color", "pinned"])
        obj.__dict__.update(made.__dict__)

    def save_change(self, tag, changed):
        with transaction.atomic():
            if "name" in changed:
                tagging.rename(tag, tag.name)
            tag.save(update_fields=[name for name in changed if name != "name"])

    def delete_model(self, request, obj):
        tagging.delete(obj)

    def delete_queryset(self, request, queryset):
        for tag in queryset:
            tagging.delete(tag)

    @admin.display(description="avatar")
    def portrait(self, tag):
        return picture(tag.avatar, alt="Picture")

    @admin.display(description="brings along")
    def brings(self, tag):
        return ", ".join(implied.spec for implied in implications.of(tag)) or "–"

    @admin.display(description="other spellings")
    def spellings(self, tag):
        return ", ".join(tag.aliases.values_list("name", flat=True)) or "–"

    @admin.display(description="in prompts")
    def wording(self, tag):
        """To read: a change of wording is counted where it is made."""
        rows = ((row.name, row.get_use_display().lower(), row.text) for row in tag.fragments.all())
        return format_html_join("", "<div><b>{}</b> ({}): {}</div>", rows) or "–"

    @admin.display(description="reference pictures")
    def references(self, tag):
        rows = tag.reference_pictures.select_related("image")
        return format_html_join("", "{}", ((picture(row.image),) for row in rows)) or "–"

    @admin.display(description="pictures", ordering="image_count")
    def pictures(self, tag):
        return tag.image_count

    @admin.action(description="Count the pictures of all tags of these owners again", permissions=["change"])
    def recount(self, request, queryset):
        owners = {tag.owner for tag in queryset.select_related("owner")}
        wrong = sum(tagging.recount(owner) for owner in owners)
        self.message_user(request, f"Counted again. Counts that were wrong: {wrong}.")
