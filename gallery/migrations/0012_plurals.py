from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("gallery", "0011_operations"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="cacheentry",
            options={"default_permissions": (), "verbose_name_plural": "cache entries"},
        ),
        migrations.AlterModelOptions(
            name="recentsearch",
            options={"verbose_name_plural": "recent searches"},
        ),
        migrations.AlterModelOptions(
            name="savedsearch",
            options={"ordering": ["position", "folded"], "verbose_name_plural": "saved searches"},
        ),
    ]
