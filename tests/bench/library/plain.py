"""The same pictures and tags in the tables, and with the indexes, that Django makes by itself of a model."""

from django.db import connection, models

from gallery.models import Image, Tag, User

TABLE = "bench_image"


def columns() -> dict[str, models.Field]:
    """Those of our own table, that both sides read as much."""
    copies = {}
    for field in Image._meta.local_concrete_fields:
        _, _, arguments, options = field.deconstruct()
        if isinstance(field, models.ForeignKey):
            options["related_name"] = "+"
            options.pop("db_index", None)
        copies[field.name] = type(field)(*arguments, **options)
    return copies


class Meta:
    app_label = "gallery"
    db_table = TABLE


PlainImage = type(
    "PlainImage",
    (models.Model,),
    columns()
    | {"Meta": Meta, "__module__": __name__}
    | {"tags": models.ManyToManyField(Tag, db_table=f"{TABLE}_tags", related_name="+")},
)


def make() -> None:
    """Make and fill the tables, once for each library."""
    if TABLE in connection.introspection.table_names():
        return
    names = ", ".join(f'"{field.column}"' for field in PlainImage._meta.local_concrete_fields)
    with connection.schema_editor() as editor:
        editor.create_model(PlainImage)
        editor.execute(f"INSERT INTO {TABLE} ({names}) SELECT {names} FROM gallery_image")
        editor.execute(
            f"INSERT INTO {TABLE}_tags (plainimage_id, tag_id) SELECT image_id, tag_id FROM gallery_imagetag"
        )


def live(owner: User):
    return PlainImage.objects.filter(owner=owner, trashed_at=None).order_by("-pk")


def by_date(owner: User):
    """Newest first, as most models say it in `ordering`, where SQLite sorts all that match."""
    return live(owner).order_by("-created_at")
