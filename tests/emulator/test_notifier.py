"""When and how callbacks are sent."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.emulated import GOOD_REQUESTS, SignedClient
from support.receiver import Receiver, processed, receiving

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.server import notifier

TEXT, BATCH, PRODUCING = "SubmitTextGenerateJob", "SubmitBatchMediaProducingJob", "SubmitMediaProducingJob"
SET, GET = "SetEventCallback", "GetEventCallback"


# The delivery.


def test_a_failed_try_is_repeated(
    emulator: ImsEmulator, start: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "PAUSES", (0.0, 0.0, 0.0))
    with receiving([500, 302]) as receiver:
        job_id = start(TEXT, {"NotifyAddress": receiver.url})
        emulator.finish(job_id)
        record = processed(emulator, job_id)
        assert record["status"] == "delivered"
        assert [one["status"] for one in record["tries"]] == [500, 302, 200]
        assert [callback.path for callback in receiver.received] == ["/", "/", "/"]
        assert len({json.dumps(callback.message) for callback in receiver.received}) == 1


def test_a_message_is_dropped_after_three_tries_and_the_job_is_not_affected(
    emulator: ImsEmulator,
    start: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert notifier.PAUSES == (0.0, 1.0, 1.0)
    monkeypatch.setattr(notifier, "PAUSES", (0.0, 0.0, 0.0))
    with caplog.at_level(logging.INFO, "airflow_provider_ims.emulator"), receiving([500, None, 201]) as receiver:
        job_id = start(TEXT, {"NotifyAddress": receiver.url})
        emulator.finish(job_id)
        record = processed(emulator, job_id)
    assert record["status"] == "failed"
    outcomes = [one.get("status") or one["error"] for one in record["tries"]]
    assert outcomes == [500, "the connection was closed without a response", 201]
    assert emulator.jobs(TEXT)[0]["state"] == "Finished"
    assert f"job_id={job_id} {receiver.url} -> failed: 201" in caplog.text


def test_a_receiver_must_respond_in_time(
    emulator: ImsEmulator, start: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "PAUSES", (0.0, 0.0, 0.0))
    assert {product.ram_code: limit for product, limit in notifier.LIMITS.items()} == {"ice": 3.0, "vod": 5.0}
    monkeypatch.setattr(notifier, "LIMITS", dict.fromkeys(notifier.LIMITS, 0.05))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        job_id = start(TEXT, {"NotifyAddress": f"http://127.0.0.1:{silent.getsockname()[1]}/"})
        emulator.finish(job_id)
        record = processed(emulator, job_id)
    assert (record["status"], record["tries"][2]["error"]) == ("failed", "no response within 0.05 s")


@pytest.mark.parametrize("response", [b"SSH-2.0\r\n", b"HTTP/1.1\r\n", b"x" * 100_000])
def test_a_response_that_is_not_http_is_a_failed_try(
    emulator: ImsEmulator, start: Callable[..., str], monkeypatch: pytest.MonkeyPatch, response: bytes
) -> None:
    monkeypatch.setattr(notifier, "PAUSES", (0.0,))
    with socket.create_server(("127.0.0.1", 0)) as server:
        job_id = start(TEXT, {"NotifyAddress": f"http://127.0.0.1:{server.getsockname()[1]}/"})
        emulator.finish(job_id)
        with server.accept()[0] as connection:
            connection.recv(65536)
            connection.sendall(response)
            record = processed(emulator, job_id)
    assert (record["status"], set(record["tries"][0])) == ("failed", {"time", "error"})


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://192.0.2.1/", "the host 192.0.2.1 is not a loopback address"),
        ("http://example.com/", "allow it with callback_hosts"),
        ("http://127.0.0.1.example.com/", "is not a loopback address"),
        ("http://127.0.0.1@example.com/", "the host example.com is not a loopback address"),
        ("http://[::1", "Invalid IPv6 URL"),
        ("http://127.0.0.1:99999/", "Port out of range"),
        ("http://", "is not a valid HTTP or HTTPS URL"),
        ("my-queue", "the name of a queue for IMS must start with ice-callback-"),
    ],
)
def test_a_message_to_another_machine_or_to_an_invalid_queue_is_refused_and_logged_at_most_once(
    emulator: ImsEmulator, start: Callable[..., str], caplog: pytest.LogCaptureFixture, address: str, reason: str
) -> None:
    job_ids = [start(TEXT, {"NotifyAddress": address}) for _ in range(2)]
    for job_id in job_ids:
        emulator.finish(job_id)
        record = processed(emulator, job_id)
        assert (record["status"], record["tries"]) == ("refused", [])
        assert reason in record["reason"]
    assert caplog.text.count("A callback was not sent") <= 1


@pytest.mark.parametrize("hosts", [["Receiver.test"], ["*"]])
def test_a_message_is_sent_to_an_allowed_host(hosts: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: resolve("127.0.0.1", *rest, **more))
    with receiving() as receiver, ImsEmulator(callback_hosts=hosts, durations={TEXT: 0}) as emulator:
        port = receiver.url.rpartition(":")[2]
        user_data = json.dumps({"NotifyAddress": f"http://receiver.test:{port}/a b?c=%20ü"})
        status, body = SignedClient.of(emulator)(TEXT, {**GOOD_REQUESTS[TEXT], "UserData": user_data})
        assert status == 200, body
        (callback,) = receiver.wait()
    assert callback.headers["host"] == f"receiver.test:{port}"
    assert callback.path == "/a%20b?c=%20%C3%BC"


@pytest.mark.parametrize("host", ["[::1]", "localhost", "127.1.2.3"])
def test_every_address_of_this_machine_is_allowed(
    emulator: ImsEmulator, start: Callable[..., str], monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(notifier, "PAUSES", (0.0,))
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        job_id = start(TEXT, {"NotifyAddress": f"http://{host}:{unused.getsockname()[1]}"})
        emulator.finish(job_id)
        record = processed(emulator, job_id)
    assert (record["status"], set(record["tries"][0])) == ("failed", {"time", "error"})


@pytest.mark.parametrize(
    "address", [["http://127.0.0.1"], "", None, 5, "http://127.0.0.1/\ud800", "http://127.0.0.1/\r\nX-Header: value"]
)
def test_unusual_user_data_is_not_an_address(emulator: ImsEmulator, start: Callable[..., str], address: Any) -> None:
    emulator.finish(start(TEXT, {"NotifyAddress": address}))
    emulator.finish(start("SubmitSmarttagJob", UserData="no JSON"))
    assert emulator.callbacks() == []


# When a job ends.


def test_an_automatic_clock_ends_jobs_in_the_order_of_their_durations(receiver: Receiver) -> None:
    with ImsEmulator() as emulator:
        user_data = json.dumps({"NotifyAddress": receiver.url})
        parameters = {**GOOD_REQUESTS[TEXT], "UserData": user_data}
        job_ids = emulator.add_jobs(TEXT, parameters, [0.6, 0.3, 3600])
        callbacks = receiver.wait(2)
        assert [callback.message["MessageBody"]["JobId"] for callback in callbacks] == [job_ids[1], job_ids[0]]
        emulator.advance(3600)
        assert receiver.wait(3)[2].message["MessageBody"]["JobId"] == job_ids[2]


def test_a_job_in_a_set_state_is_notified_when_the_state_is_final(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str]
) -> None:
    stuck, ended = (start(TEXT, {"NotifyAddress": f"{receiver.url}/{name}"}) for name in ("stuck", "ended"))
    emulator.set_state(stuck, "Suspending")
    emulator.set_state(ended, "Failed")
    assert processed(emulator, ended)["message"]["MessageBody"]["Status"] == "Failed"
    emulator.advance(100)
    emulator.finish(start(TEXT, {"NotifyAddress": f"{receiver.url}/other"}))
    assert [callback.path for callback in receiver.wait(2)] == ["/ended", "/other"]
    emulator.set_state(stuck, None)
    assert processed(emulator, stuck)["status"] == "delivered"


def test_a_job_is_notified_once(emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str]) -> None:
    job_id = start(TEXT, {"NotifyAddress": receiver.url})
    for _ in range(3):
        emulator.finish(job_id)
        processed(emulator, job_id)
        emulator.advance(100)
    last = start(TEXT, {"NotifyAddress": receiver.url})
    emulator.finish(last)
    processed(emulator, last)
    assert [callback.message["MessageBody"]["JobId"] for callback in receiver.received] == [job_id, last]


def test_a_job_that_is_started_again_is_notified_again(
    emulator: ImsEmulator, call: Callable[..., Any], receiver: Receiver
) -> None:
    call(SET, {"CallbackURL": receiver.url, "EventTypeList": "ALL"})
    for count in (1, 2):
        call("SubmitAvatarTrainingJob", {"JobId": "avatar"})
        emulator.advance(100)
        assert [one.message["MessageBody"]["JobId"] for one in receiver.wait(count)] == ["avatar"] * count
        assert processed(emulator, "avatar")["status"] == "delivered"
    story = call("SubmitYikeStoryboardJob", {"FileURL": "oss://bucket/in.txt"})["JobId"]
    emulator.set_state(story, "Suspended")
    assert receiver.wait(3)[2].message["MessageBody"]["Status"] == "Suspended"
    processed(emulator, story)
    call("ResumeYikeStoryboardJob", {"JobId": story})
    emulator.advance(100)
    assert receiver.wait(4)[3].message["MessageBody"]["Status"] == "Succeeded"


def test_a_restarted_emulator_sends_the_messages_that_it_has_not_delivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "PAUSES", (0.0, 3600.0))
    emulator = ImsEmulator(clock="manual", state=tmp_path / "state.db")
    with receiving([200, 500]) as receiver:
        parameters = {**GOOD_REQUESTS[TEXT], "UserData": json.dumps({"NotifyAddress": receiver.url})}
        with emulator:
            SignedClient.of(emulator)(SET, {"CallbackURL": receiver.url})
            first, second, third = emulator.add_jobs(TEXT, parameters, [1, 2, 3])
            emulator.advance(1)
            assert processed(emulator, first)["status"] == "delivered"
            emulator.advance(1)
            receiver.wait(2)
        with emulator:
            assert processed(emulator, second)["status"] == "delivered"
            emulator.advance(1)
            assert processed(emulator, third)["status"] == "delivered"
            assert SignedClient.of(emulator)(GET)[1]["CallbackURL"] == receiver.url
        job_ids = [callback.message["MessageBody"]["JobId"] for callback in receiver.received]
    assert job_ids == [first, second, second, third]


def test_a_slow_receiver_does_not_delay_other_callbacks(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        for job_id in (start(TEXT, {"NotifyAddress": url}), start(TEXT, {"NotifyAddress": receiver.url})):
            emulator.finish(job_id)
        receiver.wait()
        assert emulator.callbacks()[0]["status"] == "pending"
        emulator.reset()
    assert emulator.callbacks() == []


def test_two_hundred_jobs_that_end_together_are_all_notified(emulator: ImsEmulator, receiver: Receiver) -> None:
    parameters = {**GOOD_REQUESTS[TEXT], "UserData": json.dumps({"NotifyAddress": receiver.url})}
    job_ids = emulator.add_jobs(TEXT, parameters, [5] * 200)
    emulator.advance(5)
    callbacks = receiver.wait(200)
    assert sorted(callback.message["MessageBody"]["JobId"] for callback in callbacks) == sorted(job_ids)


def test_jobs_without_callbacks_are_not_stored_as_pending(emulator: ImsEmulator, start: Callable[..., str]) -> None:
    for action in (TEXT, BATCH, PRODUCING):
        emulator.finish(start(action, {"AirflowKey": "k"}))
    assert emulator.callbacks() == []


def test_an_error_of_the_emulator_is_logged_and_stored(
    emulator: ImsEmulator,
    receiver: Receiver,
    start: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = (start(TEXT, {"NotifyAddress": receiver.url}) for _ in range(2))
    with monkeypatch.context() as patch:
        patch.setattr(notifier, "message_of", None)
        emulator.finish(first)
        assert processed(emulator, first)["status"] == "failed"
    assert f"callback job_id={first}" in caplog.text
    emulator.finish(second)
    assert processed(emulator, second)["status"] == "delivered"


# Faults.


def test_a_callback_can_be_lost(emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str]) -> None:
    emulator.fault(TEXT, "callback", copies=0)
    lost, sent = (start(TEXT, {"NotifyAddress": receiver.url}) for _ in range(2))
    for job_id in (lost, sent):
        emulator.finish(job_id)
    assert processed(emulator, lost)["status"] == "lost"
    assert processed(emulator, sent)["status"] == "delivered"
    assert len(receiver.received) == 1


def test_a_callback_can_be_repeated(emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str]) -> None:
    emulator.fault(TEXT, "callback", copies=3)
    job_id = start(TEXT, {"NotifyAddress": receiver.url})
    emulator.finish(job_id)
    assert [one["status"] for one in processed(emulator, job_id)["tries"]] == [200, 200, 200]
    assert [callback.message["MessageBody"]["JobId"] for callback in receiver.received] == [job_id] * 3


@pytest.mark.parametrize("finished", [True, False])
def test_a_callback_can_be_delayed(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str], finished: bool
) -> None:
    emulator.fault(TEXT, "callback", delay=60)
    late, sent = (start(TEXT, {"NotifyAddress": receiver.url}) for _ in range(2))
    if finished:
        emulator.finish(late)
    emulator.advance(59)
    assert processed(emulator, sent)["status"] == "delivered"
    assert emulator.callbacks(late)[0]["status"] == "pending"
    emulator.advance(10)
    assert processed(emulator, late)["status"] == "delivered"


def test_a_callback_fault_has_no_effect_on_a_job_without_a_callback(
    emulator: ImsEmulator, start: Callable[..., str]
) -> None:
    emulator.fault(TEXT, "callback", copies=0)
    emulator.finish(start(TEXT))
    assert emulator.callbacks() == []
    assert emulator.faults() == []
