from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_ims._events.event import EventFilter, contains, is_storable, read_payload
from airflow_provider_ims.hooks.smq import SmqMessage

IMS = {
    "EventType": "ProduceMediaComplete",
    "UserId": 1234567890123456,
    "EventTime": "2026-11-22T03:00:00Z",
    "MessageBody": {
        "Status": "Success",
        "JobId": "b7ed7e6243e24217867934d3d4b196b6",
        "MediaId": "3b187b3620c8490886cfc2a9578c3ce6",
        "UserData": '{"project": "shop", "NotifyAddress": "ice-callback-queue"}',
    },
}
VOD = {
    "EventType": "AIMediaAuditComplete",
    "EventTime": "2026-11-22T03:00:00Z",
    "JobId": "4791a2fa7e5d4b27a1b1fba5e3d1a1b2",
    "MediaId": "3b187b3620c8490886cfc2a9578c3ce6",
    "Status": "fail",
    "Code": "InvalidParameter",
    "Extend": '{"project": "shop"}',
}


def message(body: str) -> SmqMessage:
    return SmqMessage("M1", body, "handle", received_count=1, enqueued_at=1.0, visible_at=31.0)


def payload(content: Any) -> dict[str, Any]:
    found = read_payload("ice-callback-queue", message(json.dumps(content)))
    assert found is not None
    return found


def test_the_payload_of_an_ims_message_contains_its_fields() -> None:
    assert payload(IMS) == {
        "queue_name": "ice-callback-queue",
        "message_id": "M1",
        "event_type": "ProduceMediaComplete",
        "status": "success",
        "job_ids": ["b7ed7e6243e24217867934d3d4b196b6"],
        "user_data": {"project": "shop", "NotifyAddress": "ice-callback-queue"},
        "message": IMS,
    }


def test_the_payload_of_a_vod_message_contains_its_fields() -> None:
    assert payload(VOD) == {
        "queue_name": "ice-callback-queue",
        "message_id": "M1",
        "event_type": "AIMediaAuditComplete",
        "status": "fail",
        "job_ids": ["4791a2fa7e5d4b27a1b1fba5e3d1a1b2"],
        "user_data": {"project": "shop"},
        "message": VOD,
    }


def test_a_message_without_any_known_field_has_a_payload() -> None:
    assert payload({"a": 1}) == {
        "queue_name": "ice-callback-queue",
        "message_id": "M1",
        "event_type": None,
        "status": None,
        "job_ids": [],
        "user_data": None,
        "message": {"a": 1},
    }


@pytest.mark.parametrize(
    "body",
    [
        "",
        "text",
        "[1]",
        '{"a": NaN}',
        '{"a": 18446744073709551616}',
        '{"a": "\\ud800"}',
        '{"a": "\\u0000"}',
        '{"UserData": "{\\"a\\": 1e999}"}',
        '{"a":' * 100 + "1" + "}" * 100,
    ],
)
def test_a_message_that_airflow_cannot_store_has_no_payload(body: str) -> None:
    assert read_payload("q", message(body)) is None


@pytest.mark.parametrize("value", [None, True, 2**63 - 1, -1.5, "text 视频", [1, ["a"]], {"a": {"b": []}}])
def test_json_values_are_storable(value: Any) -> None:
    assert is_storable(value)


@pytest.mark.parametrize(
    ("conditions", "accepted"),
    [
        ({}, True),
        ({"event_types": ["ProduceMediaComplete"]}, True),
        ({"event_types": ["BatchProduceMediaComplete"]}, False),
        ({"statuses": ["success"]}, True),
        ({"statuses": ["fail"]}, False),
        ({"user_data": {"project": "shop"}}, True),
        ({"user_data": {"project": "other"}}, False),
        ({"user_data": {"missing": None}}, False),
        ({"event_types": ["ProduceMediaComplete"], "statuses": ["fail"]}, False),
    ],
)
def test_a_filter_accepts_events_that_meet_all_conditions(conditions: dict[str, Any], accepted: bool) -> None:
    event_filter = EventFilter(**{"event_types": [], "statuses": [], "user_data": {}, **conditions})
    assert event_filter.accepts(payload(IMS)) is accepted


@pytest.mark.parametrize(
    "user_data", [None, "text", '{"other": 1}', '["project"]', '{"project": ["shop"]}', {"nested": {"project": "shop"}}]
)
def test_a_condition_on_the_user_data_requires_an_object_that_contains_it(user_data: Any) -> None:
    event_filter = EventFilter([], [], {"project": "shop"})
    assert not event_filter.accepts(payload({"UserData": user_data}))


@pytest.mark.parametrize(
    ("value", "expected", "result"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, True),
        ({"a": {"b": 1}}, {"a": {"b": 1, "c": 2}}, False),
        ({"a": [1, 2]}, {"a": [1, 2]}, True),
        ({"a": [1, 2]}, {"a": [1]}, False),
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": 1}, {}, True),
        ("a", {}, False),
    ],
)
def test_an_object_contains_another_if_it_has_its_fields(value: Any, expected: Any, result: bool) -> None:
    assert contains(value, expected) is result
