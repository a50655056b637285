from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.jobs.smart import SMART
from airflow_provider_ims.waiting.hook_resolver import HookResolver
from airflow_provider_ims.waiting.poller_metrics import REPORT_EVERY, PollerMetrics
from airflow_provider_ims.waiting.rate_limited_client import RateLimitedClient


@pytest.fixture
def gauges(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float, dict[str, str]]]:
    """Listen to what is handed to Airflow's metrics."""
    from airflow.providers.common.compat.sdk import Stats

    heard: list[tuple[str, float, dict[str, str]]] = []
    monkeypatch.setattr(Stats, "gauge", lambda name, value, *, tags, **_: heard.append((name, value, tags)))
    return heard


@pytest.fixture
def client() -> RateLimitedClient:
    client = RateLimitedClient(SMART, HookResolver(ImsHook))
    client.requests, client.rate_limiter.throttles = 4, 2
    return client


def test_the_figures_go_to_airflows_metrics_and_are_counted_anew(gauges: list[Any], client: RateLimitedClient) -> None:
    figures = PollerMetrics("smart", "ims_default", due=0, polled_jobs=10, behind=1.5)
    figures.report(client, waiting=7, longest_interval=10, now=100)
    assert {name: value for name, value, _ in gauges} == {
        "ims.poller.waiting": 7,
        "ims.poller.requests": 4,
        "ims.poller.jobs_per_request": 2.5,
        "ims.poller.throttled": 2,
        "ims.poller.seconds_behind": 1.5,
    }
    assert all(tags == {"family": "smart", "conn_id": "ims_default"} for _, _, tags in gauges)
    assert figures == PollerMetrics("smart", "ims_default", due=100 + REPORT_EVERY)
    assert (client.requests, client.rate_limiter.throttles) == (0, 0)


def test_a_stretched_interval_is_told_once(
    gauges: list[Any], client: RateLimitedClient, caplog: pytest.LogCaptureFixture
) -> None:
    figures = PollerMetrics("smart", "ims_default", due=0)
    for _ in range(3):
        figures.behind = 30
        figures.report(client, waiting=7, longest_interval=10, now=100)
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "30 s behind schedule" in warnings[0]


def test_a_poller_in_time_warns_of_nothing(
    gauges: list[Any], client: RateLimitedClient, caplog: pytest.LogCaptureFixture
) -> None:
    PollerMetrics("smart", "ims_default", due=0, behind=9).report(client, waiting=7, longest_interval=10, now=100)
    assert not [record for record in caplog.records if record.levelno == logging.WARNING]


def test_the_time_in_which_the_process_was_suspended_is_not_blamed_on_the_rate_limit(
    gauges: list[Any], client: RateLimitedClient, caplog: pytest.LogCaptureFixture
) -> None:
    figures = PollerMetrics("smart", "ims_default", due=0)
    figures.woke_up(late=0.1)
    figures.woke_up(late=90)
    figures.behind = 92
    figures.report(client, waiting=7, longest_interval=10, now=100)
    (warning,) = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert "did not run for 90 s" in warning
