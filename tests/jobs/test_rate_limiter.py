from __future__ import annotations

import pytest

from airflow_provider_ims._config import MAX_REQUESTS_PER_SECOND
from airflow_provider_ims._jobs.rate_limiter import (
    DEFAULT_RETRY_AFTER,
    MAX_RETRY_AFTER,
    MIN_RATE,
    RECOVERY,
    RateLimiter,
)

MAX_RATE = MAX_REQUESTS_PER_SECOND.default


class Clock:
    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rate_limiter(clock: Clock) -> RateLimiter:
    return RateLimiter(now=clock.now, sleep=clock.sleep)


def seconds_for(rate_limiter: RateLimiter, clock: Clock, requests: int) -> float:
    began = clock.time
    for _ in range(requests):
        rate_limiter.wait()
    return clock.time - began


def test_requests_are_spaced_by_the_rate(rate_limiter: RateLimiter, clock: Clock) -> None:
    assert seconds_for(rate_limiter, clock, 101) == pytest.approx(100 / MAX_RATE)


def test_the_rate_is_that_of_the_configuration(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__IMS__MAX_REQUESTS_PER_SECOND", "4")
    assert seconds_for(RateLimiter(now=clock.now, sleep=clock.sleep), clock, 9) == pytest.approx(2)


def test_unused_time_is_not_accumulated(rate_limiter: RateLimiter, clock: Clock) -> None:
    clock.sleep(3600)
    assert seconds_for(rate_limiter, clock, 101) == pytest.approx(100 / MAX_RATE)


def test_throttling_halves_the_rate_and_pauses(rate_limiter: RateLimiter, clock: Clock) -> None:
    rate_limiter.throttled()
    assert rate_limiter.rate == MAX_RATE / 2
    assert seconds_for(rate_limiter, clock, 1) == pytest.approx(DEFAULT_RETRY_AFTER)


def test_concurrent_throttled_requests_halve_the_rate_once(rate_limiter: RateLimiter, clock: Clock) -> None:
    for _ in range(4):
        rate_limiter.succeeded()
        rate_limiter.throttled()
        clock.sleep(DEFAULT_RETRY_AFTER / 10)
    assert rate_limiter.rate == pytest.approx(MAX_RATE / 2, rel=0.05)
    assert rate_limiter.throttles == 4


def test_the_pause_is_as_long_as_the_service_requests_up_to_a_limit(rate_limiter: RateLimiter, clock: Clock) -> None:
    rate_limiter.throttled(7)
    assert seconds_for(rate_limiter, clock, 1) == pytest.approx(7)
    rate_limiter.throttled(86_400)
    assert seconds_for(rate_limiter, clock, 1) == pytest.approx(MAX_RETRY_AFTER)


def test_the_rate_never_falls_below_its_minimum(rate_limiter: RateLimiter, clock: Clock) -> None:
    for _ in range(100):
        rate_limiter.throttled()
        clock.sleep(DEFAULT_RETRY_AFTER)
    assert rate_limiter.rate == MIN_RATE


def test_the_rate_recovers_slowly_up_to_its_maximum(rate_limiter: RateLimiter, clock: Clock) -> None:
    rate_limiter.throttled()
    clock.sleep(10)
    rate_limiter.succeeded()
    assert rate_limiter.rate == pytest.approx(MAX_RATE / 2 + 10 * RECOVERY)
    clock.sleep(3600)
    rate_limiter.succeeded()
    assert rate_limiter.rate == MAX_RATE
