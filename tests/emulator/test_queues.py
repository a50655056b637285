"""SMQ queues, used with the SDK and with another client of their HTTP API."""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from mns.account import Account
from mns.mns_exception import MNSClientNetworkException, MNSServerException
from mns.queue import Message, Queue, QueueMeta
from support.queues import MESSAGES, QUEUE, QueueClient, code_of, polling, sdk_queue
from support.waiting import CEILING, wait_until

from airflow_provider_ims.emulator import ImsEmulator

if TYPE_CHECKING:
    from support.emulated import SignedClient

# The attributes for the numbers of messages are deprecated in the SDK.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated function")

EMPTY = "MessageNotExist"


@pytest.fixture
def queue(emulator: ImsEmulator) -> Queue:
    return sdk_queue(emulator)


@pytest.fixture
def http(emulator: ImsEmulator) -> QueueClient:
    return QueueClient.of(emulator)


@pytest.fixture
def strict() -> Iterator[ImsEmulator]:
    with ImsEmulator(queues=["ice-callback-a"]) as emulator:
        yield emulator


# Messages.


def test_a_message_is_sent_received_and_deleted(emulator: ImsEmulator, queue: Queue) -> None:
    before = int(time.time() * 1000)
    sent = queue.send_message(Message("<&> \n é 新"))
    received = queue.receive_message(0)
    assert received.message_body == "<&> \n é 新"
    assert received.message_id == sent.message_id
    assert received.message_body_md5 == hashlib.md5("<&> \n é 新".encode()).hexdigest().upper()
    assert (received.dequeue_count, received.priority) == (1, 8)
    assert before <= received.enqueue_time <= received.first_dequeue_time <= int(time.time() * 1000)
    assert received.next_visible_time == received.first_dequeue_time + 30_000
    assert code_of(queue.receive_message, 0) == EMPTY
    queue.delete_message(received.receipt_handle)
    assert emulator.messages(QUEUE) == []


def test_several_messages_are_sent_received_and_deleted_in_batches(emulator: ImsEmulator, queue: Queue) -> None:
    sent = queue.batch_send_message([Message(str(number)) for number in range(16)])
    assert len({message.message_id for message in sent}) == 16
    first, second = queue.batch_receive_message(10, 0), queue.batch_receive_message(16, 0)
    assert [message.message_body for message in (*first, *second)] == [str(number) for number in range(16)]
    queue.batch_delete_message([message.receipt_handle for message in first])
    assert [message["body"] for message in emulator.messages(QUEUE)] == ["10", "11", "12", "13", "14", "15"]


def test_a_single_message_in_a_batch_has_the_format_of_a_batch(queue: Queue, http: QueueClient) -> None:
    queue.send_message(Message("one"))
    peeked = http("GET", f"{MESSAGES}?peekonly=true&numOfMessages=16")
    single = http("GET", f"{MESSAGES}?peekonly=true")
    assert "<Messages xmlns=" in peeked.body
    assert "<Message xmlns=" in single.body
    assert peeked["MessageId"] == single["MessageId"]
    assert peeked.headers["x-mns-version"] == "2015-06-06"
    assert peeked.headers["content-type"].startswith("text/xml")


def test_peeking_does_not_receive_messages(queue: Queue) -> None:
    assert code_of(queue.peek_message) == code_of(queue.batch_peek_message, 16) == EMPTY
    queue.batch_send_message([Message("one"), Message("two")])
    for _ in range(2):
        assert queue.peek_message().message_body == "one"
        assert [message.dequeue_count for message in queue.batch_peek_message(16)] == [0, 0]


def test_a_message_becomes_visible_again_when_its_visibility_timeout_expires(
    emulator: ImsEmulator, queue: Queue
) -> None:
    queue.send_message(Message("one"))
    first = queue.receive_message(0)
    emulator.show_messages(QUEUE)
    assert code_of(queue.delete_message, first.receipt_handle) == EMPTY
    second = queue.receive_message(0)
    assert (second.message_id, second.dequeue_count) == (first.message_id, 2)
    assert second.first_dequeue_time == first.first_dequeue_time
    assert second.receipt_handle != first.receipt_handle


def test_a_long_poll_ends_when_a_visibility_timeout_expires(queue: Queue) -> None:
    queue.send_message(Message("one"))
    first = queue.receive_message(0)
    queue.change_message_visibility(first.receipt_handle, 1)
    (second,) = queue.batch_receive_message(16, 30)
    assert (second.message_id, second.dequeue_count) == (first.message_id, 2)


def test_a_change_of_the_visibility_returns_a_new_receipt_handle_and_invalidates_the_old_one(queue: Queue) -> None:
    queue.send_message(Message("one"))
    first = queue.receive_message(0)
    second = queue.change_message_visibility(first.receipt_handle, 600)
    assert int(second.next_visible_time) > first.next_visible_time
    assert code_of(queue.change_message_visibility, first.receipt_handle, 600) == EMPTY
    assert code_of(queue.delete_message, first.receipt_handle) == EMPTY
    queue.delete_message(second.receipt_handle)
    assert code_of(queue.delete_message, second.receipt_handle) == EMPTY


def test_a_batch_deletion_returns_the_error_for_each_invalid_receipt_handle(
    emulator: ImsEmulator, queue: Queue
) -> None:
    queue.batch_send_message([Message("one"), Message("two")])
    one, two = queue.batch_receive_message(16, 0)
    queue.delete_message(two.receipt_handle)
    with pytest.raises(MNSServerException) as info:
        queue.batch_delete_message([two.receipt_handle, one.receipt_handle, "nonsense"])
    assert [(error["ErrorCode"], error["ReceiptHandle"]) for error in info.value.sub_errors] == [
        (EMPTY, two.receipt_handle),
        ("ReceiptHandleError", "nonsense"),
    ]
    assert emulator.messages(QUEUE) == []


def test_messages_with_a_higher_priority_are_received_first(queue: Queue) -> None:
    queue.batch_send_message([Message("last", priority=16), Message("second"), Message("first", priority=1)])
    messages = queue.batch_receive_message(16, 0)
    assert [(message.message_body, message.priority) for message in messages] == [
        ("first", 1),
        ("second", 8),
        ("last", 16),
    ]


def test_a_delayed_message_is_received_later_and_can_be_deleted_before(emulator: ImsEmulator, queue: Queue) -> None:
    for body in ("kept", "deleted"):
        sent = queue.send_message(Message(body, delay_seconds=600))
    assert code_of(queue.receive_message, 0) == EMPTY
    queue.delete_message(sent.receipt_handle)
    emulator.show_messages(QUEUE)
    assert [message.message_body for message in queue.batch_receive_message(16, 0)] == ["kept"]


def test_bodies_in_base64_are_stored_as_they_are_sent(emulator: ImsEmulator, queue: Queue) -> None:
    queue.set_encoding(True)
    queue.send_message(Message("é"))
    assert emulator.messages(QUEUE)[0]["body"] == base64.b64encode("é".encode()).decode()
    assert queue.receive_message(0).message_body == "é".encode()


# Long polls.


def test_a_long_poll_ends_when_a_message_arrives(emulator: ImsEmulator, queue: Queue) -> None:
    with polling(emulator, queue) as result:
        emulator.put_messages(QUEUE, ["one", "two"])
        assert result()[0].message_body == "one"


def test_a_long_poll_without_messages_ends_with_an_error(emulator: ImsEmulator, queue: Queue) -> None:
    start = time.monotonic()
    assert code_of(queue.receive_message, 1) == EMPTY
    assert time.monotonic() - start >= 1
    assert emulator.counts() == {"smq:ReceiveMessage": {"404": 1}}


def test_a_long_poll_does_not_block_other_requests_and_does_not_receive_from_other_queues(
    emulator: ImsEmulator, queue: Queue, send: SignedClient
) -> None:
    other = sdk_queue(emulator, "ice-callback-other")
    with polling(emulator, queue) as result:
        assert send("ListSmartJobs")[0] == 200
        other.send_message(Message("other"))
        assert other.receive_message(0).message_body == "other"
        queue_of_sender = sdk_queue(emulator)
        queue_of_sender.send_message(Message("ours"))
        assert [message.message_body for message in result()] == ["ours"]


def test_each_message_is_received_by_one_of_several_waiting_receivers(emulator: ImsEmulator) -> None:
    with (
        polling(emulator, sdk_queue(emulator)) as first,
        polling(emulator, sdk_queue(emulator)) as second,
        polling(emulator, sdk_queue(emulator)) as third,
    ):
        for number in range(3):
            emulator.put_messages(QUEUE, [str(number)])
        received = [message.message_body for result in (first, second, third) for message in result()]
    assert sorted(received) == ["0", "1", "2"]


def test_a_client_that_has_disconnected_receives_no_message(
    emulator: ImsEmulator, http: QueueClient, caplog: pytest.LogCaptureFixture
) -> None:
    target = f"{MESSAGES}?waitseconds=30"
    connection = HTTPConnection(emulator.endpoint, timeout=CEILING)
    with caplog.at_level(logging.INFO, "airflow_provider_ims.emulator"):
        connection.request("GET", target, headers=http.headers("GET", target, {}))
        wait_until(lambda: emulator.requests() != [])
        connection.close()
        wait_until(lambda: "-> cut" in caplog.text)
    emulator.put_messages(QUEUE, ["one"])
    assert emulator.queues()[0]["active"] == 1
    assert emulator.counts() == {"smq:ReceiveMessage": {"0": 1}}


def test_the_queue_can_define_how_long_a_receiver_waits(emulator: ImsEmulator, queue: Queue) -> None:
    queue.create(QueueMeta(polling_wait_sec=30))
    with polling(emulator, queue, seconds=-1) as result:
        sdk_queue(emulator).send_message(Message("one"))
        assert len(result()) == 1


def test_stopping_the_emulator_ends_long_polls() -> None:
    emulator = ImsEmulator().start()
    with polling(emulator, sdk_queue(emulator)) as result:
        emulator.stop()
        (error,) = result()
    assert isinstance(error, MNSClientNetworkException)


# Queues.


def test_a_queue_exists_as_soon_as_it_is_used(emulator: ImsEmulator, queue: Queue) -> None:
    assert emulator.queues() == []
    attributes = queue.get_attributes()
    assert (attributes.queue_name, attributes.visibility_timeout, attributes.active_messages) == (QUEUE, 30, 0)
    assert (attributes.message_retention_period, attributes.maximum_message_size) == (345_600, 65_536)
    assert emulator.queues() == [{"name": QUEUE, "region": "cn-shanghai", "active": 0, "inactive": 0, "delayed": 0}]


def test_with_the_option_queues_other_queues_do_not_exist_until_they_are_created(strict: ImsEmulator) -> None:
    known, unknown = sdk_queue(strict, "ice-callback-a"), sdk_queue(strict, "ice-callback-b")
    assert code_of(known.receive_message, 0) == EMPTY
    for call, arguments in (
        (unknown.receive_message, (0,)),
        (unknown.batch_receive_message, (16, 0)),
        (unknown.peek_message, ()),
        (unknown.send_message, (Message("x"),)),
        (unknown.delete_message, ("8-MS0yLTM=",)),
        (unknown.batch_delete_message, (["8-MS0yLTM="],)),
        (unknown.change_message_visibility, ("8-MS0yLTM=", 1)),
        (unknown.get_attributes, ()),
        (unknown.set_attributes, (QueueMeta(),)),
    ):
        assert code_of(call, *arguments) == "QueueNotExist"
    with pytest.raises(ValueError, match="QueueNotExist"):
        strict.put_messages("ice-callback-b", ["x"])
    assert unknown.create(QueueMeta()) == f"{strict.url}/queues/ice-callback-b"
    unknown.send_message(Message("x"))
    unknown.delete()
    assert code_of(unknown.receive_message, 0) == "QueueNotExist"


def test_the_queues_of_the_option_exist_from_the_start_and_after_a_reset(strict: ImsEmulator) -> None:
    sdk_queue(strict, "ice-callback-b").create(QueueMeta())
    assert [queue["name"] for queue in strict.queues()] == ["ice-callback-a", "ice-callback-b"]
    strict.reset()
    assert [queue["name"] for queue in strict.queues()] == ["ice-callback-a"]


@pytest.mark.parametrize("name", ["", "1", "a_b", "é", "a" * 257])
def test_an_invalid_name_in_the_option_is_rejected(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of a queue"):
        ImsEmulator(queues=[name])


def test_a_queue_is_created_once_and_can_be_changed(queue: Queue) -> None:
    meta = QueueMeta(vis_timeout=5)
    assert queue.create(meta) == queue.create(meta)
    assert code_of(queue.create, QueueMeta()) == "QueueAlreadyExist"
    queue.set_attributes(QueueMeta(vis_timeout=60, logging_enabled=True))
    attributes = queue.get_attributes()
    assert (attributes.visibility_timeout, attributes.delay_seconds) == (60, 0)
    queue.send_message(Message("one"))
    received = queue.receive_message(0)
    assert received.next_visible_time == received.first_dequeue_time + 60_000


def test_the_attributes_count_messages(queue: Queue) -> None:
    queue.batch_send_message([Message("one"), Message("two"), Message("three", delay_seconds=60)])
    queue.receive_message(0)
    attributes = queue.get_attributes()
    assert (attributes.active_messages, attributes.inactive_messages, attributes.delay_messages) == (1, 1, 1)


def test_queues_are_listed_in_pages(emulator: ImsEmulator) -> None:
    for name in ("b", "a-2", "a-1", "a-3"):
        emulator.put_messages(name, [])
    account = Account(emulator.url, emulator.access_key_id, emulator.access_key_secret)
    first, marker = account.list_queue(prefix="a-", ret_number=2)
    second, end = account.list_queue(prefix="a-", ret_number=2, marker=marker)
    listed = [url.removeprefix(f"{emulator.url}/queues/") for url in (*first, *second)]
    assert (len(first), end) == (2, "")
    assert listed == ["a-1", "a-2", "a-3"]


def test_a_deleted_queue_loses_its_messages(emulator: ImsEmulator, queue: Queue) -> None:
    queue.send_message(Message("one"))
    queue.delete()
    assert emulator.queues() == []
    assert code_of(queue.receive_message, 0) == EMPTY


def test_each_region_has_its_own_queues(emulator: ImsEmulator, http: QueueClient) -> None:
    emulator.put_messages(QUEUE, ["beijing"], region="cn-beijing")
    assert http("GET", f"{MESSAGES}?peekonly=true").code == EMPTY
    for host in ("1234567890123456.mns.cn-beijing.aliyuncs.com", "1.mns.cn-beijing-internal.aliyuncs.com"):
        assert http("GET", f"{MESSAGES}?peekonly=true", host=host)["MessageBody"] == "beijing"
    assert http("GET", f"{MESSAGES}?peekonly=true", host="cn-beijing.localhost:1")["MessageBody"] == "beijing"
    assert http("GET", MESSAGES, host="1.mns.cn-nowhere.aliyuncs.com").code == "InvalidRequestURL"
    assert [request["region"] for request in emulator.requests()][:2] == ["cn-shanghai", "cn-beijing"]


def test_queues_survive_a_restart(tmp_path: Path) -> None:
    with ImsEmulator(state=tmp_path / "emulator.db") as emulator:
        queue = sdk_queue(emulator)
        queue.create(QueueMeta(vis_timeout=600))
        queue.batch_send_message([Message("one"), Message("two")])
        received = queue.receive_message(0)
    with ImsEmulator(state=tmp_path / "emulator.db") as emulator:
        queue = sdk_queue(emulator)
        assert [message.message_body for message in queue.batch_receive_message(16, 0)] == ["two"]
        assert queue.get_attributes().visibility_timeout == 600
        queue.delete_message(received.receipt_handle)
        assert [message["body"] for message in emulator.messages(QUEUE)] == ["two"]


def test_a_reset_deletes_queues(emulator: ImsEmulator, queue: Queue) -> None:
    with polling(emulator, queue) as result:
        sdk_queue(emulator, "ice-callback-other").send_message(Message("one"))
        emulator.reset()
        assert emulator.messages("ice-callback-other") == []
        emulator.put_messages(QUEUE, ["after the reset"])
        assert [message.message_body for message in result()] == ["after the reset"]


def test_the_sdk_uses_queues_over_https(certificate: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    cert, key = certificate
    monkeypatch.setenv("SSL_CERT_FILE", cert)
    with ImsEmulator(tls_cert=cert, tls_key=key) as emulator:
        queue = sdk_queue(emulator)
        queue.send_message(Message("one"))
        assert queue.receive_message(0).message_body == "one"


# The control interface.


def test_requests_are_recorded_and_counted(emulator: ImsEmulator, queue: Queue) -> None:
    queue.send_message(Message("one"))
    queue.batch_receive_message(16, 20)
    send, receive = emulator.requests()
    assert (send["action"], send["status"], send["version"]) == ("smq:SendMessage", 201, "2015-06-06")
    assert receive["parameters"] == {"QueueName": QUEUE, "numofmessages": "16", "waitseconds": "20"}
    assert (receive["access_key_id"], receive["region"]) == (emulator.access_key_id, "cn-shanghai")
    assert emulator.counts() == {"smq:SendMessage": {"201": 1}, "smq:BatchReceiveMessage": {"200": 1}}


def test_a_control_command_puts_and_lists_messages(emulator: ImsEmulator, queue: Queue) -> None:
    ids = emulator.put_messages(QUEUE, ["{not json", "\x00😀"])
    assert [message["message_id"] for message in emulator.messages(QUEUE)] == ids
    received = queue.batch_receive_message(16, 0)
    assert [message.message_body for message in received] == ["{not json", "?😀"]
    first = emulator.messages(QUEUE)[0]
    assert (first["received"], first["priority"]) == (1, 8)
    assert first["visible"] == pytest.approx(received[0].next_visible_time / 1000, abs=0.01)


@pytest.mark.parametrize(
    ("queue_name", "body", "error"),
    [
        ("1queue", "x", "InvalidQueueName"),
        ("a_b", "x", "InvalidQueueName"),
        ("", "x", "QueueNameLengthError"),
        ("a" * 257, "x", "QueueNameLengthError"),
        ("a", "", "MessageBody should between 1 and 65536"),
        ("a", "x" * 65_537, "MessageBody should between 1 and 65536"),
    ],
)
def test_an_invalid_command_changes_nothing(emulator: ImsEmulator, queue_name: str, body: str, error: str) -> None:
    with pytest.raises(ValueError, match=error):
        emulator.put_messages(queue_name, ["valid", body])
    assert emulator.queues() == []
