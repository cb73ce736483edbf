"""Vendors that take a job, work on it, and are asked how far it is: submit, poll, fetch.

The reply to the one paid request is written to the job file, beside the spool, before anything else is done.
It names the job, so that after a crash polling goes on with the same job and nothing is submitted twice:

    spool.with_suffix(".job")   the vendor's reply to the submission; there while the job is not answered
    spool                       the last reply, with the pictures or their addresses, for `read` as always

A subclass writes `build`, `parse` and `error_for` like any other, and `job_in`, `poll` and `is_over`.
"""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from providers import errors, http, spooling
from providers.base import Provider
from providers.vocabulary import Answer, Cancelled, ImageRequest, OnPartial

if TYPE_CHECKING:
    from providers.http import WireRequest

ACCEPTED = (200, 201, 202)
OVER = {404: "no longer knows this job", 401: "does not accept the key", 403: "does not accept the key"}
LOST = "{} {}, so its result cannot be had now."
STILL_OUT = "{} has not finished in time. Checking again asks for the same job."

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Job:
    """Work that a vendor took on."""

    id: str
    facts: Mapping[str, Any] = field(default_factory=dict)  # what else the reply told that polling needs


class JobProvider(Provider):
    """A vendor of jobs. `request_deadline` is the time for a job as a whole, from each start of polling."""

    poll_pause: ClassVar[float] = 1.0  # seconds between two questions; more as a job grows old
    longest_pause: ClassVar[float] = 5.0  # seconds
    unknown_patience: ClassVar[float] = 30.0  # seconds in which a new job may still be unknown

    # What a subclass writes

    def is_job(self, request: ImageRequest) -> bool:
        """Whether `request` is sent as a job; if not, it is one request like everywhere else."""
        return True

    def job_in(self, reply: Answer) -> Job | None:
        """The job that the reply to a submission names; None where the reply is the answer already."""
        raise NotImplementedError

    def poll(self, job: Job) -> "WireRequest":
        """The free GET that asks how far a job is, or for its result."""
        raise NotImplementedError

    def is_over(self, job: Job, reply: Answer) -> bool:
        """Whether a reply with status 200 is the last one, good or bad."""
        raise NotImplementedError

    def stop(self, job: Job) -> bool:
        """Ask the vendor to stop a job. The default: it cannot, so its result is waited for."""
        return False

    # What all have in common

    @classmethod
    def can_resume(cls, spool: Path) -> bool:
        return job_file(spool).exists()

    def send(
        self,
        request: ImageRequest,
        spool: Path,
        *,
        on_partial: OnPartial | None = None,
        cancelled: Cancelled | None = None,
    ) -> Answer:
        """Submit one paid job, note its name, and wait for its end; the last reply goes to `spool`."""
        job_file(spool).unlink(missing_ok=True)  # of an attempt that is over
        if not self.is_job(request):
            return super().send(request, spool, on_partial=on_partial, cancelled=cancelled)
        reply = super().send(request, job_file(spool), cancelled=cancelled)
        if reply.status not in ACCEPTED:
            return spooling.move(reply, spool)
        return self._wait(reply, spool, cancelled)

    def resume(
        self,
        request: ImageRequest,
        spool: Path,
        *,
        on_partial: OnPartial | None = None,
        cancelled: Cancelled | None = None,
    ) -> Answer:
        return self._wait(self.open_answer(job_file(spool)), spool, cancelled)

    def _wait(self, reply: Answer, spool: Path, cancelled: Cancelled | None) -> Answer:
        """Ask until the job is over. The job file stays where asking again may still bring something."""
        job = self.job_in(reply)
        if job is None:
            return spooling.move(reply, spool)
        started, may_stop = time.monotonic(), cancelled is not None
        while (age := time.monotonic() - started) < self.request_deadline:
            if may_stop and cancelled and cancelled():
                self._stop(job)
                may_stop = False
            answer = self._ask(job, spool, is_new=age < self.unknown_patience)
            if answer:
                job_file(spool).unlink(missing_ok=True)
                return answer
            time.sleep(min(self.poll_pause + age / 30, max(self.poll_pause, self.longest_pause)))
        raise errors.DeadlineExceeded(STILL_OUT.format(self.label))

    def _ask(self, job: Job, spool: Path, *, is_new: bool) -> Answer | None:
        """The last reply, in the spool; or None, for a job under way or a vendor that cannot be asked now."""
        allowed = self.connection.allowed_private_hosts
        try:
            with http.get_large(self.poll(job), spool.parent, allowed_private_hosts=allowed) as reply:
                if reply.status == 200 and self.is_over(job, reply):
                    return spooling.move(reply, spool)
                if reply.status in OVER and not is_new:
                    raise errors.ConnectionLost(LOST.format(self.label, OVER[reply.status]))
                return None
        except (errors.NetworkError, errors.CertificateRefused, errors.InvalidRequest) as exc:
            log.info("%s cannot be asked for job %s: %s", self.label, job.id, exc)
            return None  # asking is free, and the job goes on without us

    def _stop(self, job: Job) -> None:
        """Raise `Cancelled` if the vendor stops the job; otherwise its result is still waited for."""
        if self.stop(job):
            raise errors.Cancelled(
                f"{self.label} was told to stop.",
                may_have_been_charged=True,
            )


def job_file(spool: Path) -> Path:
    """Where the reply to a submission is kept: the name of the job, for after a crash."""
    return spool.with_suffix(".job")
