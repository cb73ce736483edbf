"""Tags on pictures in the table that `ManyToManyField(Tag)` makes by itself, with the same rows in it."""

from django.db import connection, models

from gallery.models import Image, Tag, User

KEY = {"sqlite": "integer PRIMARY KEY AUTOINCREMENT", "postgresql": "bigserial PRIMARY KEY"}
STATEMENTS = (
    "CREATE TABLE bench_plain (id {key}, plainimage_id bigint NOT NULL, tag_id bigint NOT NULL)",
    "INSERT INTO bench_plain (plainimage_id, tag_id) SELECT image_id, tag_id FROM gallery_imagetag",
    "CREATE UNIQUE INDEX bench_plain_once ON bench_plain (plainimage_id, tag_id)",
    "CREATE INDEX bench_plain_image ON bench_plain (plainimage_id)",
    "CREATE INDEX bench_plain_tag ON bench_plain (tag_id)",
)


def columns() -> dict[str, models.Field]:
    """Those of our own table, that both sides read as much."""
    copies = {}
    for field in Image._meta.local_concrete_fields:
        _, _, arguments, options = field.deconstruct()
        if isinstance(field, models.ForeignKey):
            options["related_name"] = "+"
        copies[field.name] = type(field)(*arguments, **options)
    return copies


class Meta:
    app_label = "gallery"
    managed = False
    db_table = "gallery_image"


PlainImage = type(
    "PlainImage",
    (models.Model,),
    columns()
    | {"Meta": Meta, "__module__": __name__}
    | {"tags": models.ManyToManyField(Tag, db_table="bench_plain", related_name="+")},
)


def make() -> None:
    """Fill the table, once for each library."""
    if "bench_plain" in connection.introspection.table_names():
        return
    with connection.cursor() as cursor:
        for statement in STATEMENTS:
            cursor.execute(statement.format(key=KEY[connection.vendor]))


def live(owner: User):
    return PlainImage.objects.filter(owner=owner, trashed_at=None).order_by("-pk")
