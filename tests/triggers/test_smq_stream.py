from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from support.smq_events import QUEUE, body, job_ids, until
from support.state_store import StateStore
from support.waiting import CEILING
from support.watchers import Triggerer

from airflow_provider_ims._events import consumer, outage, producer
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.hooks.smq import SmqMessage
from airflow_provider_ims.triggers.smq import SmqEventTrigger


@pytest.fixture(autouse=True)
def no_delay(monkeypatch) -> None:
    monkeypatch.setattr(producer, "JOIN_SECONDS", 0.0)


@pytest.fixture
def run(queue_emulator: ImsEmulator) -> Callable[[Callable[[Triggerer], Awaitable[None]]], None]:
    """Run a test with a triggerer, which is stopped at the end."""

    def run(test: Callable[[Triggerer], Awaitable[None]]) -> None:
        async def main() -> None:
            triggerer = Triggerer()
            try:
                async with asyncio.timeout(CEILING):
                    await test(triggerer)
            finally:
                await triggerer.stop()

        asyncio.run(main())

    return run


def test_a_message_is_deleted_only_after_its_event_is_stored(queue_emulator, run) -> None:
    async def test(triggerer: Triggerer) -> None:
        triggerer.start(SmqEventTrigger(QUEUE))
        (message_id,) = queue_emulator.put_messages(QUEUE, [body("j1")])
        await until(triggerer.payloads)
        (payload,) = triggerer.payloads()
        assert (payload["message_id"], payload["job_ids"], payload["status"]) == (message_id, ["j1"], "success")
        # The next message is also received while the first one is pending.
        queue_emulator.put_messages(QUEUE, [body("j2")])
        await until(lambda: len(triggerer.events) == 2)
        assert len(queue_emulator.messages(QUEUE)) == 2
        triggerer.store()
        await until(lambda: not queue_emulator.messages(QUEUE))

    run(test)


def test_all_watchers_of_a_queue_share_one_stream_and_receive_the_events_that_match_their_filters(
    queue_emulator, run
) -> None:
    async def test(triggerer: Triggerer) -> None:
        everything = triggerer.start(SmqEventTrigger(QUEUE))
        failures = triggerer.start(SmqEventTrigger(QUEUE, statuses=["Failed"]))
        shop = triggerer.start(
            SmqEventTrigger(QUEUE, event_types="ProduceMediaComplete", user_data={"project": "shop"})
        )
        bodies = [body("j1"), body("j2", "Fail"), body("j3", user_data={"project": "shop", "x": 1})]
        queue_emulator.put_messages(QUEUE, bodies)
        await until(lambda: len(triggerer.events) == 5)
        triggerer.store()
        await until(lambda: not queue_emulator.messages(QUEUE))
        assert sorted(job_ids(triggerer.payloads(everything))) == ["j1", "j2", "j3"]
        assert job_ids(triggerer.payloads(failures)) == ["j2"]
        assert job_ids(triggerer.payloads(shop)) == ["j3"]

    run(test)


def test_watchers_that_start_one_after_the_other_receive_the_same_messages(queue_emulator, run, monkeypatch) -> None:
    monkeypatch.setattr(producer, "JOIN_SECONDS", 0.5)
    queue_emulator.put_messages(QUEUE, [body("j1")])

    async def test(triggerer: Triggerer) -> None:
        first = triggerer.start(SmqEventTrigger(QUEUE))
        await until(lambda: triggerer.manager._groups)
        second = triggerer.start(SmqEventTrigger(QUEUE, statuses=["success"]))
        await until(lambda: len(triggerer.events) == 2)
        assert triggerer.payloads(first) == triggerer.payloads(second)

    run(test)


def test_events_that_a_stopped_triggerer_did_not_store_arrive_in_another_triggerer(queue_emulator, run) -> None:
    async def test(triggerer: Triggerer) -> None:
        triggerer.start(SmqEventTrigger(QUEUE))
        queue_emulator.put_messages(QUEUE, [body("j1"), body("j2")])
        await until(lambda: len(triggerer.events) == 2)
        await triggerer.stop()
        other = Triggerer()
        try:
            other.start(SmqEventTrigger(QUEUE))
            await until(lambda: len(other.events) == 2)
            assert sorted(job_ids(other.payloads())) == ["j1", "j2"]
            other.store()
            await until(lambda: not queue_emulator.messages(QUEUE))
        finally:
            await other.stop()

    run(test)


def test_the_visibility_timeout_of_a_pending_message_is_extended(queue_emulator, run, monkeypatch) -> None:
    monkeypatch.setattr(consumer, "FIRST_EXTENSION", 0.0)
    monkeypatch.setattr(consumer, "HIDDEN_FOR", 6000)

    async def test(triggerer: Triggerer) -> None:
        triggerer.start(SmqEventTrigger(QUEUE))
        queue_emulator.put_messages(QUEUE, [body("j1")])
        await until(triggerer.payloads)

        def message() -> dict[str, Any]:
            (found,) = queue_emulator.messages(QUEUE)
            return found

        await until(lambda: message()["visible"] > message()["enqueued"] + 5000)
        # The new handle is valid.
        triggerer.store()
        await until(lambda: not queue_emulator.messages(QUEUE))

    run(test)


def test_a_message_that_is_visible_again_while_it_is_pending_causes_no_second_event(queue_emulator, run) -> None:
    async def test(triggerer: Triggerer) -> None:
        triggerer.start(SmqEventTrigger(QUEUE))
        queue_emulator.put_messages(QUEUE, [body("j1")])
        await until(triggerer.payloads)
        queue_emulator.show_messages(QUEUE)
        await until(lambda: queue_emulator.messages(QUEUE)[0]["received"] == 2)
        # An event of the second receipt would precede the next event.
        queue_emulator.put_messages(QUEUE, [body("j2")])
        await until(lambda: "j2" in job_ids(triggerer.payloads()))
        assert job_ids(triggerer.payloads()) == ["j1", "j2"]
        # The handle of the second receipt is used.
        triggerer.store()
        await until(lambda: not queue_emulator.messages(QUEUE))

    run(test)


def test_a_repeated_message_whose_event_is_stored_causes_no_second_event(queue_emulator, run) -> None:
    queue_emulator.fault("smq:BatchReceiveMessage", "redeliver", count=None, copies=1)

    async def test(triggerer: Triggerer) -> None:
        triggerer.start(SmqEventTrigger(QUEUE))
        queue_emulator.put_messages(QUEUE, [body("j1")])
        await until(triggerer.payloads)
        queue_emulator.clear_faults()
        triggerer.store()
        await until(lambda: queue_emulator.show_messages(QUEUE) or not queue_emulator.messages(QUEUE))
        assert len(triggerer.events) == 1

    run(test)


def test_a_restarted_trigger_creates_no_second_event_for_a_message(queue_emulator, run) -> None:
    store = StateStore()

    async def test(triggerer: Triggerer) -> None:
        queue_emulator.fault("smq:BatchDeleteMessage", "unavailable", count=None)
        trigger_id = triggerer.start(SmqEventTrigger(QUEUE), store)
        queue_emulator.put_messages(QUEUE, [body("j1")])
        await until(triggerer.payloads)
        triggerer.store()
        await until(lambda: store.values)
        await triggerer.stop(trigger_id)
        assert len(queue_emulator.messages(QUEUE)) == 1

        queue_emulator.clear_faults()
        queue_emulator.show_messages(QUEUE)
        triggerer.start(SmqEventTrigger(QUEUE), store)
        await until(lambda: not queue_emulator.messages(QUEUE))
        assert len(triggerer.events) == 1

    run(test)


def test_watchers_store_their_recent_messages_separately(queue_emulator, run) -> None:
    store = StateStore()

    async def test(triggerer: Triggerer) -> None:
        for trigger in (SmqEventTrigger(QUEUE), SmqEventTrigger(QUEUE, statuses=["success"])):
            triggerer.start(trigger, store)
        queue_emulator.put_messages(QUEUE, [body("j1")])
        await until(lambda: len(triggerer.events) == 2)
        triggerer.store()
        await until(lambda: not queue_emulator.messages(QUEUE))
        assert len(store.values) == 2

    run(test)


def test_an_event_that_is_not_stored_in_time_is_sent_again(queue_emulator, run) -> None:
    async def test(triggerer: Triggerer) -> None:
        impatient = Triggerer(ack_timeout=0.2)
        try:
            impatient.start(SmqEventTrigger(QUEUE))
            queue_emulator.put_messages(QUEUE, [body("j1")])
            await until(lambda: impatient.failures)
            assert len(impatient.events) == 1
        finally:
            await impatient.stop()
        triggerer.start(SmqEventTrigger(QUEUE))
        await until(triggerer.payloads)
        assert job_ids(triggerer.payloads()) == ["j1"]

    run(test)


def test_a_message_is_kept_if_the_trigger_is_cancelled_before_airflow_has_taken_its_event(queue_emulator, run) -> None:
    """Airflow itself treats the message as acknowledged if it is cancelled while it logs the event."""

    async def test(triggerer: Triggerer) -> None:
        triggerer.taking.clear()
        trigger_id = triggerer.start(SmqEventTrigger(QUEUE))
        triggerer.start(SmqEventTrigger(QUEUE, event_types=["Other"]))
        queue_emulator.put_messages(QUEUE, [body("j1")])
        await until(lambda: triggerer.held)
        await triggerer.stop(trigger_id)
        triggerer.taking.set()
        triggerer.start(SmqEventTrigger(QUEUE))
        await until(triggerer.payloads)
        assert job_ids(triggerer.payloads()) == ["j1"]

    run(test)


def test_a_message_that_matches_no_filter_reaches_the_watcher_in_another_triggerer(
    queue_emulator, run, monkeypatch
) -> None:
    # Which triggerer receives a message is a matter of chance, so a message may need many receipts.
    monkeypatch.setattr(consumer, "MAX_RELEASE_DELAY", 1)

    async def test(triggerer: Triggerer) -> None:
        other = Triggerer()
        try:
            triggerer.start(SmqEventTrigger(QUEUE, statuses=["success"]))
            other.start(SmqEventTrigger(QUEUE, statuses=["fail"]))
            queue_emulator.put_messages(
                QUEUE, [body(f"s{n}") for n in range(5)] + [body(f"f{n}", "Fail") for n in range(5)]
            )
            await until(lambda: len(triggerer.events) == len(other.events) == 5)
            assert sorted(job_ids(triggerer.payloads())) == [f"s{n}" for n in range(5)]
            assert sorted(job_ids(other.payloads())) == [f"f{n}" for n in range(5)]
            triggerer.store()
            other.store()
            await until(lambda: not queue_emulator.messages(QUEUE))
        finally:
            await other.stop()

    run(test)


@pytest.mark.parametrize(
    ("text", "receipts", "level", "reason"),
    [
        ("<xml>" + "x" * 1000, 2, "WARNING", "it is not a JSON object that Airflow can store"),
        (body(status="Fail"), 3, "INFO", "no watcher accepts it"),
    ],
)
def test_a_message_that_is_not_accepted_is_deleted_at_its_last_receipt(
    queue_emulator, run, monkeypatch, caplog, text, receipts, level, reason
) -> None:
    monkeypatch.setattr(consumer, "MAX_UNREADABLE", 2)
    monkeypatch.setattr(consumer, "MAX_REJECTED", 3)
    caplog.set_level("INFO")

    async def test(triggerer: Triggerer) -> None:
        triggerer.start(SmqEventTrigger(QUEUE, statuses=["success"]))
        (message_id,) = queue_emulator.put_messages(QUEUE, [text])
        await until(lambda: not queue_emulator.messages(QUEUE))
        assert len(queue_emulator.requests("smq:ChangeMessageVisibility")) == receipts - 1
        deleted = f"deleting message {message_id} after {receipts} receipts"
        expected = f"Queue {QUEUE}: {deleted}, because {reason}: {text[:200]}"
        assert (level, expected) in [(record.levelname, record.getMessage()) for record in caplog.records]
        # Another message still causes an event.
        queue_emulator.put_messages(QUEUE, [body("j1")])
        await until(triggerer.payloads)

    run(test)


def test_a_message_that_cannot_be_read_does_not_end_a_watcher(queue_emulator, run, monkeypatch, caplog) -> None:
    read_payload = consumer.read_payload

    def fail_once(queue_name: str, message: SmqMessage) -> Any:
        if "strange" in message.body:
            raise RecursionError("a bug")
        return read_payload(queue_name, message)

    monkeypatch.setattr(consumer, "read_payload", fail_once)

    async def test(triggerer: Triggerer) -> None:
        triggerer.start(SmqEventTrigger(QUEUE))
        queue_emulator.put_messages(QUEUE, [body("strange"), body("j1")])
        await until(triggerer.payloads)
        assert job_ids(triggerer.payloads()) == ["j1"]
        assert triggerer.failures == []

    run(test)
    assert "could not be read" in caplog.text


@pytest.mark.parametrize("fault", ["unavailable", "throttle", "cut", "non_json", "deny"])
def test_failures_of_the_queue_do_not_end_a_watcher(queue_emulator, run, caplog, fault) -> None:
    caplog.set_level("INFO")
    queue_emulator.fault("smq:*", fault, count=None)

    async def test(triggerer: Triggerer) -> None:
        triggerer.start(SmqEventTrigger(QUEUE))
        await until(lambda: len(queue_emulator.requests()) > 5)
        queue_emulator.clear_faults()
        queue_emulator.put_messages(QUEUE, [body("j1")])
        await until(triggerer.payloads)
        triggerer.store()
        await until(lambda: not queue_emulator.messages(QUEUE))
        assert triggerer.failures == []

    run(test)
    levels = [record.levelname for record in caplog.records if record.name == outage.__name__]
    assert levels == ["WARNING", "INFO"]


def test_an_invalid_connection_is_logged_and_used_after_it_is_corrected(
    queue_emulator, run, monkeypatch, caplog
) -> None:
    right = queue_emulator.connection_uri
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", right.replace("smq_endpoint", "other"))
    monkeypatch.setattr("airflow_provider_ims._waiting.hook_resolver.RETRY_INTERVAL", 0.0)

    async def test(triggerer: Triggerer) -> None:
        triggerer.start(SmqEventTrigger(QUEUE))
        await until(lambda: caplog.messages)
        assert "smq_endpoint" in caplog.messages[0]
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", right)
        queue_emulator.put_messages(QUEUE, [body("j1")])
        await until(triggerer.payloads)

    run(test)
