from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_ims._waiting.hook_resolver import HookResolver
from airflow_provider_ims._waiting.poller_metrics import REPORT_EVERY, PollerMetrics
from airflow_provider_ims._waiting.rate_limited_client import RateLimitedClient
from airflow_provider_ims.hooks.ims import ImsHook


@pytest.fixture
def gauges(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float, dict[str, str]]]:
    """Record the gauges that are emitted."""
    from airflow.providers.common.compat.sdk import Stats

    sent: list[tuple[str, float, dict[str, str]]] = []
    monkeypatch.setattr(Stats, "gauge", lambda name, value, *, tags, **_: sent.append((name, value, tags)))
    return sent


@pytest.fixture
def client() -> RateLimitedClient:
    client = RateLimitedClient(HookResolver(ImsHook))
    client.rate_limiter.requests, client.rate_limiter.throttles = 4, 2
    return client


def test_a_report_emits_the_metrics_and_resets_them(gauges: list[Any], client: RateLimitedClient) -> None:
    metrics = PollerMetrics("smart", "ims_default", due=0, polled_jobs=10, behind=1.5)
    metrics.report(client, waiting=7, longest_interval=10, now=100)
    assert {name: value for name, value, _ in gauges} == {
        "ims.poller.waiting": 7,
        "ims.poller.requests": 4,
        "ims.poller.jobs_per_request": 2.5,
        "ims.poller.throttled": 2,
        "ims.poller.seconds_behind": 1.5,
    }
    assert all(tags == {"family": "smart", "conn_id": "ims_default"} for _, _, tags in gauges)
    assert metrics == PollerMetrics("smart", "ims_default", due=100 + REPORT_EVERY)
    assert (client.rate_limiter.requests, client.rate_limiter.throttles) == (0, 0)


def test_polling_behind_schedule_is_logged_once(
    gauges: list[Any], client: RateLimitedClient, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = PollerMetrics("smart", "ims_default", due=0)
    for _ in range(3):
        metrics.behind = 30
        metrics.report(client, waiting=7, longest_interval=10, now=100)
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert "30 s behind schedule" in warnings[0]


def test_a_poller_on_schedule_logs_no_warning(
    gauges: list[Any], client: RateLimitedClient, caplog: pytest.LogCaptureFixture
) -> None:
    PollerMetrics("smart", "ims_default", due=0, behind=9).report(client, waiting=7, longest_interval=10, now=100)
    assert not [record for record in caplog.records if record.levelno == logging.WARNING]


def test_the_time_of_a_suspended_process_does_not_count_as_behind_schedule(
    gauges: list[Any], client: RateLimitedClient, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = PollerMetrics("smart", "ims_default", due=0)
    metrics.woke_up(late=0.1)
    metrics.woke_up(late=90)
    metrics.behind = 92
    metrics.report(client, waiting=7, longest_interval=10, now=100)
    (warning,) = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert "did not run for 90 s" in warning
