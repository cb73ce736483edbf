from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gallery", "0007_batches")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="language",
            field=models.CharField(blank=True, default="", editable=False, max_length=8),
            preserve_default=False,
        ),
    ]
