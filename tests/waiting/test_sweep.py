from __future__ import annotations

import pytest

from airflow_provider_ims.exceptions import ImsPermissionError, ImsUnavailableError
from airflow_provider_ims.jobs.ai_image import AI_IMAGE
from airflow_provider_ims.jobs.batch import BATCH
from airflow_provider_ims.jobs.smart import SMART
from airflow_provider_ims.waiting.sweep import FIRST_REST, LONGEST_REST, SweepPolicy


def test_a_family_without_a_listing_is_never_swept() -> None:
    assert not SweepPolicy(AI_IMAGE).is_worthwhile(10_000, 0)


@pytest.mark.parametrize("family", [SMART, BATCH])
@pytest.mark.parametrize(("jobs", "is_worthwhile"), [(1, False), (6, False), (7, True), (100, True), (10_000, True)])
def test_the_first_sweep_is_tried_where_it_would_save_most_requests(family, jobs, is_worthwhile) -> None:
    assert SweepPolicy(family).is_worthwhile(jobs, 0) is is_worthwhile


def test_an_account_full_of_other_jobs_is_swept_only_for_many_of_ours() -> None:
    sweeping = SweepPolicy(SMART)
    sweeping.record_success(50)
    assert not sweeping.is_worthwhile(149, 0)
    assert sweeping.is_worthwhile(150, 0)


def test_it_is_gone_on_with_a_little_longer_than_it_would_be_begun() -> None:
    sweeping = SweepPolicy(SMART, on=True)
    sweeping.record_success(10)
    assert sweeping.is_worthwhile(15, 0)
    assert not sweeping.is_worthwhile(14, 0)


def test_a_failure_brings_rest_each_time_longer_until_one_goes_well() -> None:
    sweeping, now = SweepPolicy(SMART), 0.0
    rests = []
    for _ in range(8):
        sweeping.failed(ImsUnavailableError("x"), now)
        rest = next(seconds for seconds in range(2000) if sweeping.is_worthwhile(1000, now + seconds))
        rests.append(rest)
        now += rest
    assert rests[0] == FIRST_REST
    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_REST
    sweeping.record_success(1)
    sweeping.failed(ImsUnavailableError("x"), now)
    assert sweeping.is_worthwhile(1000, now + FIRST_REST)


def test_a_denied_listing_ends_it_for_good() -> None:
    sweeping = SweepPolicy(SMART)
    sweeping.failed(ImsPermissionError("x"), 0)
    assert not sweeping.is_worthwhile(10_000, 1e12)
