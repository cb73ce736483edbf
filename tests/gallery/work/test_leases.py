from datetime import timedelta

import pytest
from django.utils import timezone

from gallery.models import Import
from gallery.work import leases


@pytest.fixture
def job(owner):
    return Import.objects.create(owner=owner)


def row(job):
    return Import.objects.filter(pk=job.pk, status="queued")


def test_a_row_is_claimed_once(job):
    assert leases.claim(row(job)) is not None
    assert leases.claim(row(job)) is None


def test_a_lease_that_ran_out_can_be_claimed_by_another(job):
    first = leases.claim(row(job))
    Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    second = leases.claim(row(job))
    assert second not in (None, first)


def test_claiming_commits_the_changes_with_it(job):
    leases.claim(row(job), status="running")
    job.refresh_from_db()
    assert job.status == "running"


def test_holding_renews_only_the_lease_of_the_own_token(job):
    token = leases.claim(row(job))
    past = timezone.now() - timedelta(minutes=1)
    Import.objects.update(lease_until=past)
    with leases.hold(job, token):
        leases.renew()
        job.refresh_from_db()
        assert job.lease_until > timezone.now()
        other = leases.claim(
            Import.objects.filter(pk=job.pk, lease_until__lt=timezone.now() + timedelta(hours=1))
        )
        assert other is None


def test_a_worker_that_lost_its_lease_renews_nothing(job):
    lost = leases.claim(row(job))
    Import.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    leases.claim(row(job))
    job.refresh_from_db()
    until = job.lease_until
    with leases.hold(job, lost):
        leases.renew()
    job.refresh_from_db()
    assert job.lease_until == until


@pytest.mark.parametrize("hours", [-2, 2])
def test_a_worker_whose_clock_is_wrong_neither_takes_too_early_nor_leases_for_hours(job, monkeypatch, hours):
    real = timezone.now
    assert leases.claim(row(job))
    monkeypatch.setattr(timezone, "now", lambda: real() + timedelta(hours=hours))
    assert leases.claim(row(job)) is None
    Import.objects.update(lease_until=real() - timedelta(seconds=1))
    assert leases.claim(row(job))
    job.refresh_from_db()
    assert abs(job.lease_until - real()) < timedelta(minutes=5)
