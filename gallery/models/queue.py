from django.db import models


class QueuedTask(models.Model):
    """A wake-up for a worker: which task, with which arguments, from when on.

    It carries no truth: the task looks at its own rows, and a lost wake-up is made again by recovery.
    """

    path = models.CharField(max_length=200)  # "gallery.tasks.run_call"
    args = models.JSONField(default=list)
    priority = models.SmallIntegerField(default=0)
    run_after = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    worker = models.CharField(max_length=100, blank=True)
    # The only one to do it; "": any
    place = models.CharField(max_length=32, blank=True, default="", db_default="")
    attempts = models.PositiveSmallIntegerField(default=0)  # times it was begun and not ended
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-priority", "run_after", "id"]
        indexes = [models.Index(fields=["-priority", "run_after", "id"], name="queued_task_order")]

    def __str__(self):
        return f"{self.path}{tuple(self.args)}"


class Worker(models.Model):
    """A worker process that is alive, or was: it says so every few seconds."""

    name = models.CharField(max_length=100, unique=True)  # host:pid
    # See `gallery.files.places`
    place = models.CharField(max_length=32, blank=True, default="", db_default="")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    def __str__(self):
        return self.name


class ModelTimes(models.Model):
    """How long a vendor's model took lately, for all people together."""

    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=120)
    seconds = models.JSONField(default=list)  # of the last calls that brought pictures, the newest last

    class Meta:
        verbose_name_plural = "model times"
        constraints = [models.UniqueConstraint(fields=["provider", "model"], name="model_times_once")]

    def __str__(self):
        return f"{self.provider} {self.model}"
