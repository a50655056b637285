from __future__ import annotations

import pytest

from airflow_provider_ims.waiting.rate_limiter import (
    LONGEST_SILENCE,
    MAX_RATE,
    MIN_RATE,
    RECOVERY,
    SILENCE,
    RateLimiter,
)


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


def test_time_that_was_not_used_is_not_saved_up(rate_limiter: RateLimiter, clock: Clock) -> None:
    clock.sleep(3600)
    assert seconds_for(rate_limiter, clock, 101) == pytest.approx(100 / MAX_RATE)


def test_throttling_halves_the_rate_and_brings_silence(rate_limiter: RateLimiter, clock: Clock) -> None:
    rate_limiter.throttled()
    assert rate_limiter.rate == MAX_RATE / 2
    assert seconds_for(rate_limiter, clock, 1) == pytest.approx(SILENCE)


def test_requests_that_are_throttled_together_count_as_one(rate_limiter: RateLimiter, clock: Clock) -> None:
    for _ in range(4):
        rate_limiter.passed()
        rate_limiter.throttled()
        clock.sleep(SILENCE / 10)
    assert rate_limiter.rate == pytest.approx(MAX_RATE / 2, rel=0.05)
    assert rate_limiter.throttles == 4


def test_the_service_is_given_the_time_it_asks_for_within_reason(rate_limiter: RateLimiter, clock: Clock) -> None:
    rate_limiter.throttled(7)
    assert seconds_for(rate_limiter, clock, 1) == pytest.approx(7)
    rate_limiter.throttled(86_400)
    assert seconds_for(rate_limiter, clock, 1) == pytest.approx(LONGEST_SILENCE)


def test_throttling_without_end_leaves_a_trickle(rate_limiter: RateLimiter, clock: Clock) -> None:
    for _ in range(100):
        rate_limiter.throttled()
        clock.sleep(SILENCE)
    assert rate_limiter.rate == MIN_RATE


def test_the_rate_recovers_slowly_and_not_beyond_its_most(rate_limiter: RateLimiter, clock: Clock) -> None:
    rate_limiter.throttled()
    clock.sleep(10)
    rate_limiter.passed()
    assert rate_limiter.rate == pytest.approx(MAX_RATE / 2 + 10 * RECOVERY)
    clock.sleep(3600)
    rate_limiter.passed()
    assert rate_limiter.rate == MAX_RATE
