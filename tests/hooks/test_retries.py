"""Which requests are retried, how often and with which pauses, counted at the service."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsError, ImsPermissionError, ImsThrottledError, ImsUnavailableError
from airflow_provider_ims.hooks._base import ATTEMPTS, MAX_PAUSE, THROTTLE_TIMEOUT
from airflow_provider_ims.hooks.ims import ImsHook

READ, SUBMIT = "ListSmartJobs", "SubmitTextGenerateJob"
TRANSIENT = ["throttle", "server_error", "unavailable", "non_json", "cut", "cut_after"]
PERMANENT = ["deny", "not_subscribed", "suspended"]
NOT_JSON = {"status": 200, "body": "<html>", "content_type": "text/html"}


def sent(emulator: ImsEmulator, action: str) -> int:
    return len(emulator.requests(action))


@pytest.mark.parametrize("kind", TRANSIENT)
def test_a_read_is_retried_until_it_succeeds(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float], kind: str
) -> None:
    emulator.fault(READ, kind, count=2)
    assert ims.call(READ, {})["SmartJobList"] == []
    assert sent(emulator, READ) == 3
    assert len(pauses) == 2


def test_a_read_with_a_malformed_response_and_status_200_is_retried(ims: ImsHook, emulator: ImsEmulator) -> None:
    emulator.fault(READ, "non_json", count=2, **NOT_JSON)
    emulator.fault(READ, "odd_shape", body=[])
    assert "SmartJobList" in ims.call(READ, {})
    assert sent(emulator, READ) == 4


@pytest.mark.parametrize("kind", [kind for kind in TRANSIENT if kind != "throttle"])
def test_a_read_fails_after_six_attempts(ims: ImsHook, emulator: ImsEmulator, pauses: list[float], kind: str) -> None:
    emulator.fault(READ, kind, count=None)
    with pytest.raises(ImsUnavailableError):
        ims.call(READ, {})
    assert sent(emulator, READ) == ATTEMPTS == 6
    assert len(pauses) == ATTEMPTS - 1


@pytest.mark.parametrize("action", [READ, SUBMIT])
@pytest.mark.parametrize("kind", PERMANENT)
def test_a_permanent_error_is_not_retried(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float], action: str, kind: str
) -> None:
    emulator.fault(action, kind, count=None)
    with pytest.raises(ImsError):
        ims.call(action, {})
    assert sent(emulator, action) == 1
    assert pauses == []


def test_a_throttled_submit_request_is_retried_and_creates_one_job(
    ims: ImsHook, emulator: ImsEmulator, text_job: dict[str, str]
) -> None:
    emulator.fault(SUBMIT, "throttle", count=3)
    job_id = ims.call(SUBMIT, text_job)["JobId"]
    assert sent(emulator, SUBMIT) == 4
    assert [job["job_id"] for job in emulator.jobs()] == [job_id]


@pytest.mark.parametrize("kind", ["server_error", "unavailable", "non_json", "cut", "cut_after"])
def test_a_submit_request_that_may_have_been_accepted_is_not_retried(
    ims: ImsHook, emulator: ImsEmulator, text_job: dict[str, str], kind: str
) -> None:
    emulator.fault(SUBMIT, kind, count=None)
    with pytest.raises(ImsUnavailableError) as failed:
        ims.call(SUBMIT, text_job)
    assert failed.value.accepted is None
    assert sent(emulator, SUBMIT) == 1
    # The accepted submit request created a job; a second submit request would create another billed job.
    assert len(emulator.jobs()) == (kind == "cut_after")


@pytest.mark.parametrize(
    ("action", "reads"),
    [
        ("GetSmartHandleJob", True),
        ("ListSmartJobs", True),
        ("QueryIProductionJob", True),
        ("DescribeMeters", True),
        ("SearchMedia", True),
        ("SubmitTextGenerateJob", False),
        ("DeleteSmartJob", False),
        ("CancelDNAJob", False),
        ("UpdateMediaInfo", False),
    ],
)
def test_only_reads_are_retried(wire: Any, action: str, reads: bool) -> None:
    wire.answer("gone", 503)
    with pytest.raises(ImsUnavailableError):
        ImsHook().call(action, {}, attempts=2)
    assert len(wire.received) == (2 if reads else 1)


@pytest.mark.parametrize("kind", TRANSIENT)
def test_without_a_throttle_timeout_one_attempt_is_one_request(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float], kind: str
) -> None:
    emulator.fault(READ, kind, count=None)
    with pytest.raises(ImsError):
        ims.call(READ, {}, attempts=1, throttle_timeout=0)
    assert sent(emulator, READ) == 1
    assert pauses == []


@pytest.mark.parametrize("action", [READ, SUBMIT])
def test_a_throttled_request_is_retried_until_the_throttle_timeout(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float], action: str
) -> None:
    emulator.fault(action, "throttle", count=None)
    with pytest.raises(ImsThrottledError):
        ims.call(action, {}, attempts=1)
    assert THROTTLE_TIMEOUT <= sum(pauses) < THROTTLE_TIMEOUT + MAX_PAUSE
    assert sent(emulator, action) == len(pauses) + 1 > ATTEMPTS


def test_a_throttled_request_does_not_count_as_an_attempt(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float]
) -> None:
    for kind in ("throttle", "cut", "throttle", "throttle", "server_error"):
        emulator.fault(READ, kind)
    with pytest.raises(ImsUnavailableError):
        ims.call(READ, {}, attempts=2)
    assert sent(emulator, READ) == 5


def test_pauses_are_random_below_a_limit_that_grows_exponentially(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float]
) -> None:
    emulator.fault(READ, "server_error", count=None)
    with pytest.raises(ImsUnavailableError):
        ims.call(READ, {}, attempts=9)
    for number, pause in enumerate(pauses):
        assert 0 <= pause <= min(2**number, MAX_PAUSE)
    assert len(set(pauses)) == len(pauses) == 8


@pytest.mark.newest_sdk
def test_the_pause_is_at_least_retry_after(ims: ImsHook, emulator: ImsEmulator, pauses: list[float]) -> None:
    emulator.fault(SUBMIT, "throttle", retry_after=7)
    emulator.fault(SUBMIT, "throttle", retry_after=3600)
    ims.call(SUBMIT, {"GenerateConfig": '{"originText":"a"}'})
    assert 7 <= pauses[0] <= 7 + 0.5
    # retry_after is limited: a worker must not sleep for an hour.
    assert MAX_PAUSE <= pauses[1] <= MAX_PAUSE + 1


@pytest.mark.parametrize("header", ["", "soon", "-1", "0", "1e3"])
def test_an_invalid_retry_after_is_ignored(wire: Any, header: str) -> None:
    wire.answer('{"Code":"Throttling"}', 400, x_acs_retry_after=header)
    with pytest.raises(ImsThrottledError) as failed:
        ImsHook().call(READ, {}, throttle_timeout=0)
    assert failed.value.retry_after is None


def test_every_retry_is_logged_with_its_reason(
    ims: ImsHook, emulator: ImsEmulator, capfd: pytest.CaptureFixture[str]
) -> None:
    emulator.fault(READ, "throttle")
    ims.call(READ, {})
    logged = "".join(capfd.readouterr())
    assert "code Throttling.User, request id" in logged
    assert f"; retrying {READ} in" in logged


def test_a_permanent_error_ends_the_retries_of_a_transient_error(ims: ImsHook, emulator: ImsEmulator) -> None:
    emulator.fault(READ, "cut")
    emulator.fault(READ, "deny")
    with pytest.raises(ImsPermissionError):
        ims.call(READ, {})
    assert sent(emulator, READ) == 2
