"""Who is asked again, how often and after what pause; counted where it matters, at the service."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsError, ImsPermissionError, ImsThrottledError, ImsUnavailableError
from airflow_provider_ims.hooks.base import ATTEMPTS, LONGEST_PAUSE, THROTTLE_TIMEOUT
from airflow_provider_ims.hooks.ims import ImsHook

READ, SUBMIT = "ListSmartJobs", "SubmitTextGenerateJob"
PASSING = ["throttle", "server_error", "unavailable", "non_json", "cut", "cut_after"]
FINAL = ["deny", "not_subscribed", "suspended"]
NOT_JSON = {"status": 200, "body": "<html>", "content_type": "text/html"}


def sent(emulator: ImsEmulator, action: str) -> int:
    return len(emulator.requests(action))


@pytest.mark.parametrize("kind", PASSING)
def test_a_read_is_repeated_until_it_succeeds(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float], kind: str
) -> None:
    emulator.fault(READ, kind, count=2)
    assert ims.call(READ, {})["SmartJobList"] == []
    assert sent(emulator, READ) == 3
    assert len(pauses) == 2


def test_a_read_whose_answer_is_garbage_with_status_200_is_repeated(ims: ImsHook, emulator: ImsEmulator) -> None:
    emulator.fault(READ, "non_json", count=2, **NOT_JSON)
    emulator.fault(READ, "odd_shape", body=[])
    assert "SmartJobList" in ims.call(READ, {})
    assert sent(emulator, READ) == 4


@pytest.mark.parametrize("kind", [kind for kind in PASSING if kind != "throttle"])
def test_a_read_is_given_up_after_six_times(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float], kind: str
) -> None:
    emulator.fault(READ, kind, count=None)
    with pytest.raises(ImsUnavailableError):
        ims.call(READ, {})
    assert sent(emulator, READ) == ATTEMPTS == 6
    assert len(pauses) == ATTEMPTS - 1


@pytest.mark.parametrize("action", [READ, SUBMIT])
@pytest.mark.parametrize("kind", FINAL)
def test_a_final_error_is_not_repeated(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float], action: str, kind: str
) -> None:
    emulator.fault(action, kind, count=None)
    with pytest.raises(ImsError):
        ims.call(action, {})
    assert sent(emulator, action) == 1
    assert pauses == []


def test_a_throttled_submit_is_repeated_and_made_once(
    ims: ImsHook, emulator: ImsEmulator, text_job: dict[str, str]
) -> None:
    emulator.fault(SUBMIT, "throttle", count=3)
    job_id = ims.call(SUBMIT, text_job)["JobId"]
    assert sent(emulator, SUBMIT) == 4
    assert [job["job_id"] for job in emulator.jobs()] == [job_id]


@pytest.mark.parametrize("kind", ["server_error", "unavailable", "non_json", "cut", "cut_after"])
def test_a_submit_that_may_have_been_accepted_is_not_repeated(
    ims: ImsHook, emulator: ImsEmulator, text_job: dict[str, str], kind: str
) -> None:
    emulator.fault(SUBMIT, kind, count=None)
    with pytest.raises(ImsUnavailableError) as failed:
        ims.call(SUBMIT, text_job)
    assert failed.value.accepted is None
    assert sent(emulator, SUBMIT) == 1
    # The case it is about: this one was accepted, and a second submit would be paid for.
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
def test_only_actions_that_read_are_repeated(wire: Any, action: str, reads: bool) -> None:
    wire.answer("gone", 503)
    with pytest.raises(ImsUnavailableError):
        ImsHook().call(action, {}, attempts=2)
    assert len(wire.received) == (2 if reads else 1)


@pytest.mark.parametrize("kind", PASSING)
def test_without_patience_one_attempt_is_one_request(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float], kind: str
) -> None:
    emulator.fault(READ, kind, count=None)
    with pytest.raises(ImsError):
        ims.call(READ, {}, attempts=1, throttle_timeout=0)
    assert sent(emulator, READ) == 1
    assert pauses == []


@pytest.mark.parametrize("action", [READ, SUBMIT])
def test_throttling_is_waited_out_until_patience_ends(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float], action: str
) -> None:
    emulator.fault(action, "throttle", count=None)
    with pytest.raises(ImsThrottledError):
        ims.call(action, {}, attempts=1)
    assert THROTTLE_TIMEOUT <= sum(pauses) < THROTTLE_TIMEOUT + LONGEST_PAUSE
    assert sent(emulator, action) == len(pauses) + 1 > ATTEMPTS


def test_throttling_does_not_count_as_an_attempt(ims: ImsHook, emulator: ImsEmulator, pauses: list[float]) -> None:
    for kind in ("throttle", "cut", "throttle", "throttle", "server_error"):
        emulator.fault(READ, kind)
    with pytest.raises(ImsUnavailableError):
        ims.call(READ, {}, attempts=2)
    assert sent(emulator, READ) == 5


def test_pauses_grow_within_their_bounds(ims: ImsHook, emulator: ImsEmulator, pauses: list[float]) -> None:
    emulator.fault(READ, "server_error", count=None)
    with pytest.raises(ImsUnavailableError):
        ims.call(READ, {}, attempts=9)
    for number, pause in enumerate(pauses):
        assert 0 <= pause <= min(2**number, LONGEST_PAUSE)
    assert len(set(pauses)) == len(pauses) == 8


@pytest.mark.newest_sdk
def test_the_pause_is_at_least_what_the_service_asks_for(
    ims: ImsHook, emulator: ImsEmulator, pauses: list[float]
) -> None:
    emulator.fault(SUBMIT, "throttle", retry_after=7)
    emulator.fault(SUBMIT, "throttle", retry_after=3600)
    ims.call(SUBMIT, {"GenerateConfig": '{"originText":"a"}'})
    assert 7 <= pauses[0] <= 7 + 0.5
    # A worker does not sleep for an hour because a header says so.
    assert LONGEST_PAUSE <= pauses[1] <= LONGEST_PAUSE + 1


@pytest.mark.parametrize("header", ["", "soon", "-1", "0", "1e3"])
def test_a_retry_after_without_meaning_is_as_none(wire: Any, header: str) -> None:
    wire.answer('{"Code":"Throttling"}', 400, x_acs_retry_after=header)
    with pytest.raises(ImsThrottledError) as failed:
        ImsHook().call(READ, {}, throttle_timeout=0)
    assert failed.value.retry_after is None


def test_every_repetition_is_logged_with_its_reason(
    ims: ImsHook, emulator: ImsEmulator, capfd: pytest.CaptureFixture[str]
) -> None:
    emulator.fault(READ, "throttle")
    ims.call(READ, {})
    logged = "".join(capfd.readouterr())
    assert "code Throttling.User, request id" in logged
    assert f"; sending {READ} again in" in logged


def test_after_other_trouble_a_final_error_ends_it(ims: ImsHook, emulator: ImsEmulator) -> None:
    emulator.fault(READ, "cut")
    emulator.fault(READ, "deny")
    with pytest.raises(ImsPermissionError):
        ims.call(READ, {})
    assert sent(emulator, READ) == 2
