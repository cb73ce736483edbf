from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gallery", "0008_language")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="single_keys",
            field=models.BooleanField(default=True, verbose_name="keys of one sign"),
        ),
    ]
