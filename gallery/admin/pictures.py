from django import forms
from django.contrib import admin, messages
from django.db import transaction

from gallery import tagging
from gallery.admin.base import OwnedAdmin, picture
from gallery.admin.lists import ChoiceFilter, ModelFilter, ProviderFilter, RecentFilter, everybody
from gallery.models import Image, ImageText
from gallery.search import parse, words


class TrashFilter(admin.SimpleListFilter):
    title = "place"
    parameter_name = "place"

    def lookups(self, request, model_admin):
        return [("trash", "In the trash"), ("all", "Everywhere")]

    def choices(self, changelist):
        chosen = self.value()
        for value, title in [(None, "In the library"), *self.lookup_choices]:
            query = changelist.get_query_string(
                {self.parameter_name: value} if value else {}, [self.parameter_name]
            )
            yield {"selected": chosen == value, "query_string": query, "display": title}

    def queryset(self, request, queryset):
        if self.value() is None:
            return queryset.live()
        # By the index of the trash, which begins with the owner.
        trashed = queryset.trashed().filter(owner__in=everybody())
        return trashed if self.value() == "trash" else queryset


class RatingFilter(ChoiceFilter):
    title = "rating"
    parameter_name = "rating"

    def lookups(self, request, model_admin):
        return [(n, "★" * n) for n in range(5, 0, -1)]


class FormatFilter(ChoiceFilter):
    title = "format"
    parameter_name = "mime_type"

    def lookups(self, request, model_admin):
        return [(f"image/{name}", name.upper()) for name in ("png", "jpeg", "webp", "gif", "avif")]


class ImageForm(forms.ModelForm):
    """What people say about a picture; its tags as a list."""

    tag_list = forms.CharField(
        label="Tags",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        help_text='Separated by commas: character:Mirel, persona:"The Stranger", portrait',
    )

    class Meta:
        model = Image
        fields = ("title", "notes", "rating", "favorite", "sensitive")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk and "tag_list" in self.fields:
            tags = self.instance.tags.select_related("parent").order_by("kind", "folded")
            self.initial["tag_list"] = ", ".join(tag.spec for tag in tags)

    def clean_tag_list(self):
        specs = tagging.split_specs(self.cleaned_data["tag_list"])
        try:
            for spec in specs:
                tagging.parse_spec(spec)
        except tagging.TagError as exc:
            raise forms.ValidationError(exc.message) from exc
        return specs


@admin.register(Image)
class ImageAdmin(OwnedAdmin):
    """Pictures. They come in through the library alone, and leave through its trash."""

    form = ImageForm
    list_display = [
        "thumbnail",
        "name",
        "owner",
        "source",
        "model",
        "kind",
        "pixels",
        "created_at",
    ]
    list_display_links = ["thumbnail", "name"]
    list_filter = [
        TrashFilter, RecentFilter, "source", ProviderFilter, ModelFilter, "favorite", "sensitive",
        RatingFilter, FormatFilter, "owner",
    ]  # fmt: skip
    list_select_related = ["owner"]
    list_per_page = 50
    view_on_site = False
    sortable_by = ()  # the newest come first, by the one index over the pictures of all
    search_fields = ["text__words"]
    search_help_text = "Words of titles, prompts and notes, or an id."
    actions = ["trash", "restore"]
    made_with = (
        "prompt", "prompt_sent", "revised_prompt", "negative_prompt", "provider", "profile", "model", "seed",
        "params", "cost_usd", "cost_source", "generation", "parent",
    )  # fmt: skip
    file = (
        "file_name",
        "mime_type",
        "pixels",
        "frames",
        "bytes",
        "sha256",
        "storage_key",
        "source",
        "source_url",
    )
    readonly_fields = ["preview", "public_id", "pixels", "created_at", "trashed_at", *made_with, *file]
    fieldsets = [
        (
            None,
            {"fields": ["preview", "owner", "title", "tag_list", "notes", "rating", "favorite", "sensitive"]},
        ),
        ("Made with", {"fields": made_with, "classes": ["collapse"]}),
        ("File", {"fields": (*file, "public_id", "created_at", "trashed_at"), "classes": ["collapse"]}),
    ]

    def find(self, request, queryset, text):
        nodes = [node for node in parse(text).terms if words.is_all_words(node)]
        return (queryset.filter(words.found(words.match(nodes))) if nodes else queryset.none()), False

    def has_add_permission(self, request):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

    def save_model(self, request, obj, form, change):
        with transaction.atomic():
            obj.save(update_fields=[name for name in form.changed_data if name != "tag_list"])
            ImageText.refresh(obj)
            if "tag_list" in form.changed_data:
                self.retag(obj, form.cleaned_data["tag_list"])

    def retag(self, image, specs):
        wanted = tagging.resolve(image.owner, specs)
        tagging.remove([image], image.tags.exclude(pk__in=[tag.pk for tag in wanted]))
        tagging.add([image], wanted)

    @admin.display(description="")
    def thumbnail(self, image):
        return picture(image, alt="Picture")

    @admin.display(description="picture")
    def preview(self, image):
        return picture(image, "large")

    @admin.display(description="title", ordering="title")
    def name(self, image):
        return image.title or image.file_name or "Untitled"

    @admin.display(description="format", ordering="mime_type")
    def kind(self, image):
        return image.mime_type.removeprefix("image/").upper()

    @admin.display(description="size")
    def pixels(self, image):
        return f"{image.width} × {image.height}"

    @admin.action(description="Move to the trash", permissions=["change"])
    def trash(self, request, queryset):
        self.message_user(
            request, f"Moved to the trash: {sum(tagging.trash(images) for images in by_owner(queryset))}."
        )

    @admin.action(description="Restore from the trash", permissions=["change"])
    def restore(self, request, queryset):
        results = [tagging.restore(images) for images in by_owner(queryset)]
        self.message_user(request, f"Restored: {sum(len(result.images) for result in results)}.")
        twins = sum(len(result.merged) for result in results)
        if twins:
            text = f"In the library already, so that only their tags were restored: {twins}."
            self.message_user(request, text, messages.WARNING)


def by_owner(images):
    """One list of pictures for each owner: tags and counts are changed one library at a time."""
    lists: dict[int, list[Image]] = {}
    for image in images:
        lists.setdefault(image.owner_id, []).append(image)
    return lists.values()
