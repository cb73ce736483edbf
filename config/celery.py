"""Celery, where BROKER_URL names Redis or RabbitMQ.

    celery -A config worker      on as many machines as there are
    celery -A config beat        one, for housekeeping; or one worker with -B

Truth stays in our rows, and messages only wake: "there is work" names none. The worker that hears it claims
the next row under a lease, in the same order as the embedded worker. A message may be lost, doubled or late,
and the broker may go and come back empty: workers look twice a second whether somebody should have called.
"""

import os

from celery import Celery
from django.conf import settings

from gallery.work import housekeeping

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

ANSWER_WITHIN = 3  # seconds that a broker may take; a page waits for it
REDIS = {
    # A message that was not confirmed is delivered again after this long, and finds nothing to do.
    "visibility_timeout": 3600,
    "socket_connect_timeout": ANSWER_WITHIN,
    "socket_timeout": 3 * ANSWER_WITHIN,
    "health_check_interval": 20,
}

app = Celery("vignette")
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_timeout=ANSWER_WITHIN,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_heartbeat=20,
    broker_transport_options=REDIS if settings.BROKER_URL.startswith("redis") else {},
    accept_content=["json"],
    task_serializer="json",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_default_queue="vignette",
    worker_prefetch_multiplier=1,
    # Its queue is for one process only: a second worker on a machine, or one that was just killed, would keep
    # the next from starting. Nobody needs it: a worker that lives says so in the database.
    worker_enable_remote_control=False,
    worker_pool="threads",
    worker_consumer="config.celery_consumer:Consumer",
    worker_concurrency=settings.WORKER_CONCURRENCY,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_redirect_stdouts=False,
    timezone=settings.TIME_ZONE,
    imports=["config.celery_worker"],
    beat_schedule_filename=str(settings.DATA_DIR / "celerybeat-schedule"),
    beat_schedule={
        duty.path: {
            "task": "vignette.keep",
            "schedule": duty.every,
            "args": [duty.path],
            "options": {"expires": duty.every},
        }
        for duty in housekeeping.SHARED
    },
)
