from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest
from airflow.models.trigger import Trigger
from airflow.triggers.base import BaseEventTrigger
from support.compat import encode_trigger, smart_decode_trigger_kwargs
from support.smq_events import QUEUE, body, job_ids, until

from airflow_provider_ims.triggers import smq
from airflow_provider_ims.triggers.smq import SmqEventTrigger


def test_the_arguments_are_serialised_and_restored() -> None:
    trigger = SmqEventTrigger(
        QUEUE,
        ims_conn_id="other",
        region_id="cn-beijing",
        event_types=["B", "A", "A"],
        statuses="success",
        user_data={"b": [1], "a": {"c": True}},
    )
    path, arguments = trigger.serialize()
    assert path == "airflow_provider_ims.triggers.smq.SmqEventTrigger"
    assert arguments == {
        "queue_name": QUEUE,
        "ims_conn_id": "other",
        "region_id": "cn-beijing",
        "event_types": ["A", "B"],
        "statuses": ["success"],
        "user_data": '{"a": {"c": true}, "b": [1]}',
    }
    assert SmqEventTrigger(**json.loads(json.dumps(arguments))).serialize() == (path, arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"ims_conn_id": None, "event_types": ("b", "a")},
        {"user_data": {"x": {"b": None, "a": [1, {"z": 2}]}}},
    ],
)
def test_a_trigger_has_the_same_identity_after_airflow_stored_it(arguments: dict[str, Any]) -> None:
    encoded = encode_trigger(SmqEventTrigger(QUEUE, **arguments))
    path, kwargs = encoded["classpath"], encoded["kwargs"]
    stored = Trigger(classpath=path, kwargs=kwargs)
    assert BaseEventTrigger.hash(path, stored.kwargs) == BaseEventTrigger.hash(path, kwargs)
    decoded = {name: smart_decode_trigger_kwargs(value) for name, value in stored.kwargs.items()}
    assert SmqEventTrigger(**decoded).serialize() == SmqEventTrigger(QUEUE, **arguments).serialize()


def test_the_order_of_the_arguments_does_not_matter() -> None:
    one = SmqEventTrigger(QUEUE, event_types={"a", "b"}, user_data={"x": 1, "y": {"a": 1, "b": 2}})
    other = SmqEventTrigger(QUEUE, event_types=["b", "a"], user_data={"y": {"b": 2, "a": 1}, "x": 1})
    assert json.dumps(encode_trigger(one)) == json.dumps(encode_trigger(other))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"queue_name": ""}, "queue_name must be"),
        ({"queue_name": None}, "queue_name must be"),
        ({"queue_name": "q", "event_types": [1]}, "event_types must be a string or an iterable of strings"),
        ({"queue_name": "q", "event_types": 5}, "event_types must be a string or an iterable of strings"),
        ({"queue_name": "q", "statuses": [None]}, "statuses must be a string or an iterable of strings"),
        (
            {"queue_name": "q", "user_data": [1]},
            "user_data must be a dict of JSON values or a JSON string that contains an object",
        ),
        (
            {"queue_name": "q", "user_data": "[]"},
            "user_data must be a dict of JSON values or a JSON string that contains an object",
        ),
        ({"queue_name": "q", "user_data": "x"}, "JSON string that contains an object: Expecting value"),
        (
            {"queue_name": "q", "user_data": {"x": object()}},
            "contains an object: .* is not JSON serializable",
        ),
    ],
)
def test_invalid_arguments_are_rejected_when_the_dag_is_parsed(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SmqEventTrigger(**arguments)


def test_only_watchers_of_one_queue_share_a_stream() -> None:
    key = SmqEventTrigger(QUEUE).shared_stream_key()
    assert SmqEventTrigger(QUEUE, statuses=["fail"]).shared_stream_key() == key
    others = [SmqEventTrigger("q"), SmqEventTrigger(QUEUE, "other"), SmqEventTrigger(QUEUE, region_id="cn-beijing")]
    assert key not in [other.shared_stream_key() for other in others]


# The following tests apply to Airflow 3.1 and 3.2, which do not share streams.


def test_before_airflow_3_3_a_message_is_deleted_after_a_delay(queue_emulator, monkeypatch) -> None:
    async def test() -> None:
        async with aclosing(SmqEventTrigger(QUEUE).run()) as events:
            queue_emulator.put_messages(QUEUE, [body("j1")])
            assert job_ids([(await anext(events)).payload]) == ["j1"]
            queue_emulator.put_messages(QUEUE, [body("j2")])
            assert job_ids([(await anext(events)).payload]) == ["j2"]
            # The trigger continues after an event only when the next event is requested.
            monkeypatch.setattr(smq, "DELETION_DELAY", 0.0)
            queue_emulator.put_messages(QUEUE, [body("j3")])
            assert job_ids([(await anext(events)).payload]) == ["j3"]
            await until(lambda: [one["body"] for one in queue_emulator.messages(QUEUE)] == [body("j1"), body("j3")])

    asyncio.run(test())


def test_before_airflow_3_3_the_messages_of_a_stopped_trigger_are_received_again(queue_emulator) -> None:
    async def test() -> None:
        for _ in range(2):
            async with aclosing(SmqEventTrigger(QUEUE).run()) as events:
                if not queue_emulator.messages(QUEUE):
                    queue_emulator.put_messages(QUEUE, [body("j1")])
                assert job_ids([(await anext(events)).payload]) == ["j1"]

    asyncio.run(test())


def test_before_airflow_3_3_a_repeated_message_causes_no_second_event(queue_emulator, monkeypatch) -> None:
    monkeypatch.setattr(smq, "DELETION_DELAY", 0.0)
    queue_emulator.fault("smq:BatchReceiveMessage", "redeliver", count=1, copies=1)

    async def test() -> None:
        async with aclosing(SmqEventTrigger(QUEUE).run()) as events:
            queue_emulator.put_messages(QUEUE, [body("j1")])
            await anext(events)
            following = asyncio.ensure_future(anext(events))
            await until(lambda: queue_emulator.show_messages(QUEUE) or not queue_emulator.messages(QUEUE))
            queue_emulator.put_messages(QUEUE, [body("j2")])
            assert job_ids([(await following).payload]) == ["j2"]

    asyncio.run(test())
