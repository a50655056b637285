"""Callbacks that are sent to SMQ queues, and the faults of messages."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mns.mns_exception import MNSClientNetworkException, MNSServerException
from mns.queue import Message
from support.emulated import GOOD_REQUESTS, SignedClient
from support.queues import QUEUE, code_of, polling, sdk_queue
from support.receiver import processed

from airflow_provider_ims.emulator import ImsEmulator

TEXT, IMAGE = "SubmitTextGenerateJob", "SubmitAIImageJob"
TO_QUEUE = {"NotifyAddress": QUEUE}
RECEIVE = "smq:BatchReceiveMessage"


def job_ids_in(emulator: ImsEmulator, queue: str = QUEUE, region: str | None = None) -> list[str]:
    """Return the job ids of the messages of IMS in a queue."""
    return [json.loads(message["body"])["MessageBody"]["JobId"] for message in emulator.messages(queue, region)]


def submit_and_finish(emulator: ImsEmulator, start: Callable[..., str], count: int = 1) -> list[str]:
    """Submit jobs whose callbacks are sent to the queue, end them, and return their ids."""
    job_ids = [start(TEXT, TO_QUEUE) for _ in range(count)]
    for job_id in job_ids:
        emulator.finish(job_id)
    return job_ids


# The address.


def test_the_message_of_a_job_is_sent_to_the_queue_in_its_user_data(
    emulator: ImsEmulator, start: Callable[..., str]
) -> None:
    job_id = start(TEXT, TO_QUEUE)
    with polling(emulator, sdk_queue(emulator)) as result:
        emulator.finish(job_id)
        (message,) = result()
    body = json.loads(message.message_body)
    assert (body["MessageBody"]["JobId"], body["MessageBody"]["Status"]) == (job_id, "Finished")
    record = processed(emulator, job_id)
    assert (record["status"], record["url"], record["message"]) == ("delivered", QUEUE, body)
    assert [one["message_id"] for one in record["tries"]] == [message.message_id]


def test_the_queue_in_the_settings_of_ims_is_used_for_jobs_without_their_own_queue(
    emulator: ImsEmulator, call: Callable[..., Any], start: Callable[..., str]
) -> None:
    settings = {"CallbackType": "MNS", "CallbackQueueName": QUEUE, "EventTypeList": "ALL"}
    call("SetEventCallback", settings)
    own, other = start(TEXT), start(TEXT, {"NotifyAddress": "ice-callback-own"})
    for job_id in (own, other):
        emulator.finish(job_id)
        assert processed(emulator, job_id)["status"] == "delivered"
    assert (job_ids_in(emulator), job_ids_in(emulator, "ice-callback-own")) == ([own], [other])


def test_the_settings_of_vod_contain_a_queue_and_the_region_of_its_endpoint(
    emulator: ImsEmulator, call: Callable[..., Any], start: Callable[..., str]
) -> None:
    endpoint = "http://1234567.mns.cn-beijing-internal.aliyuncs.com/"
    settings = {"CallbackType": "MNS", "MnsQueueName": "vod", "MnsEndpoint": endpoint, "EventTypeList": "ALL"}
    call("SetMessageCallback", settings)
    here = {"MnsQueueName": "vod-own", "MnsEndpoint": "http://1234567.mns.cn-shanghai.aliyuncs.com"}
    job_ids = [start(IMAGE, user_data) for user_data in (None, {"MessageCallback": here})]
    for job_id in job_ids:
        emulator.finish(job_id)
        assert processed(emulator, job_id)["status"] == "delivered"
    bodies = [emulator.messages(*place)[0]["body"] for place in (("vod", "cn-beijing"), ("vod-own", "cn-shanghai"))]
    assert [json.loads(body)["JobId"] for body in bodies] == job_ids


def test_the_queue_is_in_the_region_of_the_job(emulator: ImsEmulator) -> None:
    parameters = {**GOOD_REQUESTS[TEXT], "UserData": json.dumps(TO_QUEUE)}
    (job_id,) = emulator.add_jobs(TEXT, parameters, [0], region="cn-beijing")
    assert processed(emulator, job_id)["status"] == "delivered"
    assert job_ids_in(emulator, region="cn-beijing") == [job_id]
    assert job_ids_in(emulator) == []


@pytest.mark.parametrize(
    ("address", "status", "reason"),
    [
        ("another-queue", "refused", "must start with ice-callback-"),
        ("ice-callback-a_b", "failed", "InvalidQueueName"),
        ("ice-callback-unknown", "failed", "QueueNotExist"),
    ],
)
def test_an_invalid_or_unknown_queue_receives_nothing(address: str, status: str, reason: str) -> None:
    with ImsEmulator(queues=[QUEUE]) as emulator:
        parameters = {**GOOD_REQUESTS[TEXT], "UserData": json.dumps({"NotifyAddress": address})}
        (job_id,) = emulator.add_jobs(TEXT, parameters, [0])
        record = processed(emulator, job_id)
        assert record["status"] == status
        assert reason in (record["reason"] or record["tries"][0]["error"])
        assert [queue["name"] for queue in emulator.queues()] == [QUEUE]


@pytest.mark.parametrize("queue_base64", [False, True])
def test_the_message_is_encoded_in_base64_only_with_the_option(queue_base64: bool) -> None:
    with ImsEmulator(queue_base64=queue_base64) as emulator:
        parameters = {**GOOD_REQUESTS[TEXT], "UserData": json.dumps({**TO_QUEUE, "title": "新"}, ensure_ascii=False)}
        (job_id,) = emulator.add_jobs(TEXT, parameters, [0])
        message = processed(emulator, job_id)["message"]
        body = emulator.messages(QUEUE)[0]["body"]
        assert json.loads(base64.b64decode(body) if queue_base64 else body) == message


def test_messages_that_are_not_received_survive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "emulator.db"
    parameters = {**GOOD_REQUESTS[TEXT], "UserData": json.dumps(TO_QUEUE)}
    with ImsEmulator(state=state, clock="manual") as emulator:
        ended, running = emulator.add_jobs(TEXT, parameters, [0, 60])
        processed(emulator, ended)
    with ImsEmulator(state=state, clock="manual") as emulator:
        assert job_ids_in(emulator) == [ended]
        emulator.advance(60)
        processed(emulator, running)
        assert job_ids_in(emulator) == [ended, running]


def test_a_thousand_jobs_that_end_together_send_a_thousand_messages() -> None:
    parameters = {**GOOD_REQUESTS[TEXT], "UserData": json.dumps(TO_QUEUE)}
    with ImsEmulator(clock="manual") as emulator:
        job_ids = emulator.add_jobs(TEXT, parameters, [60] * 1_000)
        queue, received = sdk_queue(emulator), []
        emulator.advance(60)
        while len(received) < 1_000:
            messages = queue.batch_receive_message(16, 30)
            queue.batch_delete_message([message.receipt_handle for message in messages])
            received += [json.loads(message.message_body)["MessageBody"]["JobId"] for message in messages]
        assert sorted(received) == sorted(job_ids)
        assert emulator.messages(QUEUE) == []


# Faults.


@pytest.mark.parametrize("copies", [0, 1, 3])
def test_a_fault_loses_or_repeats_the_message(emulator: ImsEmulator, start: Callable[..., str], copies: int) -> None:
    emulator.fault(TEXT, "callback", copies=copies)
    (job_id,) = submit_and_finish(emulator, start)
    assert processed(emulator, job_id)["status"] == ("delivered" if copies else "lost")
    assert job_ids_in(emulator) == [job_id] * copies
    assert len({message["message_id"] for message in emulator.messages(QUEUE)}) == copies


def test_a_fault_delays_the_message(emulator: ImsEmulator, start: Callable[..., str]) -> None:
    emulator.fault(TEXT, "callback", delay=60)
    first, second = submit_and_finish(emulator, start, 2)
    assert processed(emulator, second)["status"] == "delivered"
    emulator.advance(59)
    assert emulator.callbacks(first)[0]["status"] == "pending"
    emulator.advance(1)
    processed(emulator, first)
    assert job_ids_in(emulator) == [second, first]


def test_a_fault_changes_the_order_of_messages(emulator: ImsEmulator, start: Callable[..., str]) -> None:
    emulator.fault(TEXT, "callback", count=None, seed=1, jitter=30)
    job_ids = submit_and_finish(emulator, start, 20)
    emulator.advance(30)
    for job_id in job_ids:
        processed(emulator, job_id)
    received = job_ids_in(emulator)
    assert sorted(received) == sorted(job_ids)
    assert received != job_ids


def test_a_fault_redelivers_received_messages_with_the_same_ids(emulator: ImsEmulator) -> None:
    queue = sdk_queue(emulator)
    ids = emulator.put_messages(QUEUE, ["one", "two"])
    emulator.fault(RECEIVE, "redeliver", copies=2)
    first, second, third = [queue.batch_receive_message(2, 0) for _ in range(3)]
    received = Counter(message.message_id for message in (*first, *second, *third))
    assert received == dict.fromkeys(ids, 3)
    assert code_of(queue.batch_receive_message, 16, 0) == "MessageNotExist"
    for message in (*first, *second, *third):
        queue.delete_message(message.receipt_handle)
    assert emulator.messages(QUEUE) == []


@pytest.mark.parametrize(
    ("kind", "options", "code"),
    [
        ("throttle", {}, "QpsLimitExceeded"),
        ("server_error", {}, "InternalError"),
        ("unavailable", {}, "ServiceUnAvailable"),
        ("deny", {}, "AccessDenied"),
        ("error", {"code": "InvalidArgument"}, "InvalidArgument"),
        ("error", {"code": "QueueNotExist", "status": 503}, "QueueNotExist"),
        ("qps", {"rate": 0.001, "burst": 0.5}, "QpsLimitExceeded"),
    ],
)
def test_an_error_of_a_fault_has_the_format_of_smq(
    emulator: ImsEmulator, kind: str, options: dict[str, Any], code: str
) -> None:
    queue = sdk_queue(emulator)
    emulator.fault("smq:*", kind, **options)
    assert code_of(queue.batch_receive_message, 16, 0) == code
    emulator.clear_faults()
    assert code_of(queue.batch_receive_message, 16, 0) == "MessageNotExist"
    statuses = {"server_error": "500", "unavailable": "503", "deny": "403", "error": str(options.get("status", 400))}
    assert emulator.counts()[RECEIVE] == {statuses.get(kind, "400"): 1, "404": 1}


@pytest.mark.parametrize(
    ("options", "status", "code", "message"),
    [
        ({"code": "InternalError"}, 500, "InternalError", "Internal error."),
        ({"code": "SignatureDoesNotMatch"}, 403, "SignatureDoesNotMatch", "Check your key and signing method."),
        ({"code": "QueueNotExist"}, 404, "QueueNotExist", "The queue name you provided is not exist."),
        ({"code": "QueueNotExist", "status": 400}, 400, "QueueNotExist", "The queue name you provided is not exist."),
        ({"code": "InternalError", "status": 503}, 503, "InternalError", "Internal error."),
        ({"code": "InternalError", "message": "Busy."}, 500, "InternalError", "Busy."),
        ({"code": "Throttling.User", "status": 429, "message": "Slow."}, 429, "QpsLimitExceeded", "Slow."),
        ({"code": "MyCode"}, 400, "MyCode", "MyCode"),
    ],
)
def test_the_options_of_a_fault_override_the_documented_values(
    emulator: ImsEmulator, options: dict[str, Any], status: int, code: str, message: str
) -> None:
    queue = sdk_queue(emulator)
    emulator.fault(RECEIVE, "error", **options)
    with pytest.raises(MNSServerException) as raised:
        queue.batch_receive_message(16, 0)
    assert raised.value.type == code
    assert raised.value.message.endswith(message)
    assert emulator.counts()[RECEIVE] == {str(status): 1}


def test_a_fault_can_return_a_response_that_is_not_xml(emulator: ImsEmulator) -> None:
    emulator.fault("smq:SendMessage", "non_json")
    with pytest.raises(MNSClientNetworkException, match="502 Bad Gateway"):
        sdk_queue(emulator).send_message(Message("one"))


def test_a_lost_response_makes_the_messages_invisible(emulator: ImsEmulator) -> None:
    queue = sdk_queue(emulator)
    emulator.put_messages(QUEUE, ["one"])
    # The SDK sends a request again if the connection was cut.
    emulator.fault(RECEIVE, "cut_after")
    assert code_of(queue.batch_receive_message, 16, 0) == "MessageNotExist"
    assert emulator.queues()[0]["inactive"] == 1
    emulator.show_messages(QUEUE)
    assert queue.batch_receive_message(16, 0)[0].dequeue_count == 2


def test_a_fault_holds_a_request_until_it_is_released(emulator: ImsEmulator) -> None:
    emulator.put_messages(QUEUE, ["one"])
    emulator.fault(RECEIVE, "hang", seconds=None)
    with polling(emulator, sdk_queue(emulator)) as result:
        assert emulator.queues()[0]["active"] == 1
        emulator.release()
        assert len(result()) == 1


def test_a_fault_of_all_actions_affects_either_the_api_or_smq(emulator: ImsEmulator, send: SignedClient) -> None:
    queue = sdk_queue(emulator)
    emulator.fault("*", "server_error")
    emulator.fault("smq:*", "server_error")
    assert code_of(queue.receive_message, 0) == "InternalError"
    assert code_of(queue.receive_message, 0) == "MessageNotExist"
    assert [send("ListSmartJobs")[0] for _ in range(2)] == [500, 200]


@pytest.mark.parametrize(
    ("action", "kind"),
    [("smq:SendMessage", "redeliver"), ("*", "redeliver"), ("smq:*", "fail_job"), (RECEIVE, "odd_shape")],
)
def test_a_fault_for_actions_that_it_cannot_affect_is_rejected(emulator: ImsEmulator, action: str, kind: str) -> None:
    with pytest.raises(ValueError, match="affects only"):
        emulator.fault(action, kind)


def test_a_request_that_receives_nothing_does_not_consume_a_redelivery(emulator: ImsEmulator) -> None:
    emulator.fault(RECEIVE, "redeliver")
    assert code_of(sdk_queue(emulator).batch_receive_message, 16, 0) == "MessageNotExist"
    assert emulator.faults()[0]["remaining"] == 1
