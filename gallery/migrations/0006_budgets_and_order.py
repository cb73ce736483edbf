import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gallery", "0005_prompt_library")]

    operations = [
        migrations.AddField(
            model_name="generation",
            name="place",
            field=models.IntegerField(default=0),
        ),
        migrations.AddIndex(
            model_name="generation",
            index=models.Index(
                condition=models.Q(("status__in", ["queued", "running", "saving"])),
                fields=["owner", "-place"],
                name="generation_place",
            ),
        ),
        migrations.AddField(
            model_name="generationcall",
            name="held",
            field=models.BooleanField(default=False),
        ),
        migrations.AddIndex(
            model_name="generationcall",
            index=models.Index(condition=models.Q(("held", True)), fields=["generation"], name="call_held"),
        ),
        migrations.AddField(
            model_name="connectionprofile",
            name="max_at_once",
            field=models.PositiveSmallIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(100),
                ],
                verbose_name="requests at once",
            ),
        ),
        migrations.AddField(
            model_name="connectionprofile",
            name="seconds_between",
            field=models.PositiveSmallIntegerField(
                blank=True,
                default=0,
                validators=[django.core.validators.MaxValueValidator(3600)],
                verbose_name="seconds between requests",
            ),
        ),
        migrations.AddField(
            model_name="connectionprofile",
            name="next_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="queue_paused",
            field=models.BooleanField(default=False, verbose_name="queue paused"),
        ),
        migrations.AddField(
            model_name="user",
            name="warn_percent",
            field=models.PositiveSmallIntegerField(
                default=80,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(100),
                ],
                verbose_name="warn when so much of a limit is used, in percent",
            ),
        ),
        migrations.AddField(
            model_name="tag",
            name="monthly_budget_usd",
            field=models.DecimalField(
                blank=True,
                decimal_places=2,
                max_digits=10,
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
            ),
        ),
        migrations.CreateModel(
            name="ModelTimes",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("provider", models.CharField(max_length=32)),
                ("model", models.CharField(max_length=120)),
                ("seconds", models.JSONField(default=list)),
            ],
            options={
                "verbose_name_plural": "model times",
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "model"), name="model_times_once")
                ],
            },
        ),
    ]
