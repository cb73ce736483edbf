"""What a Celery worker does when the broker goes away: it waits until it is back, whatever broke.

A connection to Redis that dies while messages are not confirmed leaves kombu with parts that are gone.
Its `AttributeError` is none of the errors that Celery expects of a connection, and would end the worker.
"""

import logging

from celery.worker.consumer import Consumer as CeleryConsumer

log = logging.getLogger(__name__)

LEFT_BEHIND = (AttributeError,)


class Consumer(CeleryConsumer):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        # These mean the connection as well where a message is confirmed, or the loop breaks off.
        self.connection_errors: tuple[type[Exception], ...] = (*self.conninfo.connection_errors, *LEFT_BEHIND)

    def on_connection_error_after_connected(self, exc):
        try:
            super().on_connection_error_after_connected(exc)
        except LEFT_BEHIND as left:
            # Messages only wake: those that could not be given back are not missed.
            log.warning("The connection to the broker could not be closed in order: %s", left)
