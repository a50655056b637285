from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_ims._events.outage import LOG_EVERY, MAX_PAUSE, Outage
from airflow_provider_ims.exceptions import ImsUnavailableError

if TYPE_CHECKING:
    import pytest


class Clock:
    time = 1000.0

    def __call__(self) -> float:
        return self.time


def failure(request_id: str = "1", message: str = "No connection") -> ImsUnavailableError:
    return ImsUnavailableError(message, request_id=request_id)


def test_the_pauses_grow_to_a_minute_and_start_again_after_the_end() -> None:
    outage = Outage("q")
    pauses = [outage.failed(failure()) for _ in range(2000)]
    assert 0.75 <= pauses[0] <= 1.0
    assert 1.5 <= pauses[1] <= 2.0
    assert all(0.75 * MAX_PAUSE <= pause <= MAX_PAUSE for pause in pauses[6:])
    outage.ended()
    assert outage.failed(failure()) <= 1.0


def test_the_same_failure_is_logged_once_and_again_after_the_log_interval(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    outage = Outage("ice-callback-q", clock)
    for number in range(50):
        outage.failed(failure(str(number)))
    (logged,) = caplog.messages
    assert logged.startswith("Queue ice-callback-q: No connection (request id 0)")
    outage.failed(failure(message="Denied"))
    assert len(caplog.messages) == 2
    clock.time += LOG_EVERY
    outage.failed(failure(message="Denied"))
    assert len(caplog.messages) == 3


def test_the_end_is_logged_if_there_was_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    outage = Outage("ice-callback-q")
    outage.ended()
    assert caplog.messages == []
    outage.failed(failure())
    outage.ended()
    outage.ended()
    assert caplog.messages[1:] == ["Queue ice-callback-q works again; failed requests: 1"]
