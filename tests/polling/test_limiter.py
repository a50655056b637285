from __future__ import annotations

import pytest

from airflow_provider_ims.polling.limiter import LONGEST_SILENCE, MAX_RATE, MIN_RATE, RECOVERY, SILENCE, Limiter


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
def limiter(clock: Clock) -> Limiter:
    return Limiter(now=clock.now, sleep=clock.sleep)


def seconds_for(limiter: Limiter, clock: Clock, requests: int) -> float:
    began = clock.time
    for _ in range(requests):
        limiter.wait()
    return clock.time - began


def test_requests_are_spaced_by_the_rate(limiter: Limiter, clock: Clock) -> None:
    assert seconds_for(limiter, clock, 101) == pytest.approx(100 / MAX_RATE)


def test_time_that_was_not_used_is_not_saved_up(limiter: Limiter, clock: Clock) -> None:
    clock.sleep(3600)
    assert seconds_for(limiter, clock, 101) == pytest.approx(100 / MAX_RATE)


def test_throttling_halves_the_rate_and_brings_silence(limiter: Limiter, clock: Clock) -> None:
    limiter.throttled()
    assert limiter.rate == MAX_RATE / 2
    assert seconds_for(limiter, clock, 1) == pytest.approx(SILENCE)


def test_requests_that_are_throttled_together_count_as_one(limiter: Limiter, clock: Clock) -> None:
    for _ in range(4):
        limiter.passed()
        limiter.throttled()
        clock.sleep(SILENCE / 10)
    assert limiter.rate == pytest.approx(MAX_RATE / 2, rel=0.05)
    assert limiter.throttles == 4


def test_the_service_is_given_the_time_it_asks_for_within_reason(limiter: Limiter, clock: Clock) -> None:
    limiter.throttled(7)
    assert seconds_for(limiter, clock, 1) == pytest.approx(7)
    limiter.throttled(86_400)
    assert seconds_for(limiter, clock, 1) == pytest.approx(LONGEST_SILENCE)


def test_throttling_without_end_leaves_a_trickle(limiter: Limiter, clock: Clock) -> None:
    for _ in range(100):
        limiter.throttled()
        clock.sleep(SILENCE)
    assert limiter.rate == MIN_RATE


def test_the_rate_recovers_slowly_and_not_beyond_its_most(limiter: Limiter, clock: Clock) -> None:
    limiter.throttled()
    clock.sleep(10)
    limiter.passed()
    assert limiter.rate == pytest.approx(MAX_RATE / 2 + 10 * RECOVERY)
    clock.sleep(3600)
    limiter.passed()
    assert limiter.rate == MAX_RATE
