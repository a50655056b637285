"""Messages of IMS and VOD in documented and undocumented formats, and malformed messages."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_ims._notifications import message as module
from airflow_provider_ims._notifications.message import (
    MAX_LENGTH,
    MAX_VALUES,
    Event,
    event_of,
    job_ids_in,
    parse_message,
)

ID = "20b48fb04483915d4f2cd8ac****"
IMS = {
    "EventType": "ProduceMediaComplete",
    "UserId": 1234567890123456,
    "EventTime": "2026-11-22T03:00:00Z",
    "MessageBody": {"Status": "Success", "JobId": ID, "MediaId": "m", "UserData": '{"NotifyAddress":"ice-callback-a"}'},
}
VOD = {
    "EventTime": "2026-11-22T03:00:00Z",
    "EventType": "AIMediaAuditComplete",
    "JobId": ID,
    "MediaId": "m",
    "Status": "fail",
    "Code": "InternalError",
    "Extend": "text of the user",
}
#: Other places for a job id, none of which is documented.
PLACES: dict[str, Any] = {
    "the body as text": {**IMS, "MessageBody": json.dumps(IMS["MessageBody"])},
    "the data as text": {"Data": json.dumps({"data": {"jobId": ID}})},
    "text in text": {"Message": json.dumps({"MessageBody": json.dumps({"job_id": ID})})},
    "base64 in text": {"Message": base64.b64encode(json.dumps(VOD).encode()).decode()},
    "a list": {"Jobs": [{"SubJobId": ID}]},
    "a list of ids": {"JobIds": [ID]},
    "a task of a workflow": {"MessageBody": {"TaskId": ID}},
    "user data": {"UserData": json.dumps({"JobId": ID})},
    "upper case": {"JOBID": f" {ID} "},
}


@pytest.mark.parametrize("message", [IMS, VOD, *PLACES.values()], ids=["IMS", "VOD", *PLACES])
def test_a_job_id_is_found_at_every_place(message: dict[str, Any]) -> None:
    body = json.dumps(message)
    for text in (body, f" {body}\n", json.dumps(body), base64.b64encode(body.encode()).decode()):
        parsed = parse_message(text)
        assert parsed == message
        assert job_ids_in(parsed) == {ID}


def test_a_job_id_is_a_text_or_a_number() -> None:
    message = {"JobId": 7, "jobIds": ["a", None, True, 1.5, "", "two words", "é", "x" * 129, {"JobId": "b"}]}
    assert job_ids_in(message) == {"7", "a", "b"}


def test_the_event_of_an_ims_message_is_read() -> None:
    user_data = {"NotifyAddress": "ice-callback-a"}
    assert event_of(IMS) == Event("ProduceMediaComplete", "Success", "success", user_data)
    assert event_of(PLACES["the body as text"]) == event_of(IMS)


def test_the_event_of_a_vod_message_is_read() -> None:
    assert event_of(VOD) == Event("AIMediaAuditComplete", "fail", "fail", "text of the user")


def test_fields_of_the_user_data_are_not_fields_of_the_event() -> None:
    user_data = {"Status": "Success", "EventType": "Mine", "UserData": "inner"}
    event = event_of({"MessageBody": {"UserData": json.dumps(user_data), "Status": "Fail"}})
    assert (event.event_type, event.status, event.outcome) == (None, "Fail", "fail")
    assert event.user_data == user_data


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("Finished", "success"), ("FAILED", "fail"), ("Processing", "processing"), (7, None), (None, None)],
)
def test_the_outcome_is_derived_from_the_status(status: object, outcome: str | None) -> None:
    assert event_of({"State": status}).outcome == outcome


@pytest.mark.parametrize(
    "body", ["", " ", "null", "7", "[]", '[{"JobId":"a"}]', '"text"', "text", "{", "{}x", "NaN", "\udc80", "AAAA", "\0"]
)
def test_a_body_that_is_not_an_object_is_no_message(body: str) -> None:
    assert parse_message(body) is None


def test_an_object_without_fields_has_no_event() -> None:
    assert parse_message("{}") == {}
    assert job_ids_in({}) == set()
    assert event_of({}) == Event(None, None, None, None)


HUGE = {
    "deep objects": '{"a":' * 200_000,
    "deep lists": "[" * 200_000,
    "closed lists": '{"a":' + "[" * 5000 + "]" * 5000 + "}",
    "a long number": '{"JobId":' + "7" * 50_000 + "}",
    "a long text": json.dumps({"JobId": "x" * 500_000}),
    "many fields": json.dumps({f"a{number}": [number] for number in range(50_000)}),
    "many ids": json.dumps({"JobIds": [str(number) for number in range(100_000)]}),
    "text in text": json.dumps({"a": [json.dumps(json.dumps(json.dumps({"JobId": "a"})))] * 5000}),
    "more than is read": json.dumps({"a": "x" * MAX_LENGTH}),
}


@dataclass
class Work:
    """
    The work of the functions that read messages.

    :param values: The number of values that were read.
    :param parsed: The length of each text that was parsed.
    """

    values: int = 0
    parsed: list[int] = field(default_factory=list)

    def count(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Count the work from now on."""
        work = self

        class CountingDeque(deque[Any]):
            def popleft(self) -> Any:
                work.values += 1
                return super().popleft()

        def counting(parse: Callable[..., Any]) -> Callable[..., Any]:
            return lambda text, **options: (work.parsed.append(len(text)), parse(text, **options))[1]

        monkeypatch.setattr(module, "deque", CountingDeque)
        monkeypatch.setattr(module, "json", SimpleNamespace(loads=counting(json.loads)))
        monkeypatch.setattr(module, "base64", SimpleNamespace(b64decode=counting(base64.b64decode)))


@pytest.mark.parametrize("body", HUGE.values(), ids=HUGE)
def test_the_work_to_read_a_huge_message_is_limited(body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work()
    work.count(monkeypatch)
    message = parse_message(body)
    assert len(job_ids_in(message)) <= MAX_VALUES
    event_of(message)
    assert work.values <= 2 * MAX_VALUES
    assert max(work.parsed, default=0) <= MAX_LENGTH
    assert sum(work.parsed) <= 2 * MAX_LENGTH


_TEXT = st.text(st.characters(codec=None)) | st.sampled_from(
    ["JobId", "jobIds", "UserData", "Status", "EventType", "\ud800"]
)
_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(_TEXT, inner, max_size=4)
        | inner.map(json.dumps)
        | inner.map(lambda value: base64.b64encode(json.dumps(value).encode()).decode())
    ),
    max_leaves=30,
)


@given(_VALUE)
def test_no_value_raises_an_error(value: Any) -> None:
    for message in (value, {"JobId": value}, {"UserData": value, "Status": value, "EventType": value}):
        found = job_ids_in(message)
        assert all(one.isascii() and one.strip() for one in found)
        json.dumps([event_of(message).event_type, event_of(message).outcome])
        parsed = parse_message(json.dumps(message))
        assert parsed is None or isinstance(parsed, dict)


@given(st.text(st.characters(codec=None)) | st.binary().map(lambda data: data.decode("latin-1")))
def test_no_body_raises_an_error(body: str) -> None:
    message = parse_message(body)
    job_ids_in(message)
    event_of(message)


@given(st.text("abcdef0123456789", min_size=1, max_size=32), _VALUE)
def test_an_id_is_found_beside_any_other_value(job_id: str, other: Any) -> None:
    body = json.dumps({"Other": other, "MessageBody": {"JobId": job_id}})
    assert job_id in job_ids_in(parse_message(body))
