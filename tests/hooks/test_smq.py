"""The hook of SMQ with the queues of the emulator, over HTTP and HTTPS, through the SDK of SMQ."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator

import pytest
from support.waiting import CEILING

from airflow_provider_ims._notifications.message import event_of, job_ids_in, parse_message
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.exceptions import (
    ImsCredentialsError,
    ImsError,
    ImsPermissionError,
    ImsRequestError,
    ImsResourceNotFoundError,
    ImsThrottledError,
    ImsUnavailableError,
)
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.smq import SmqHook, SmqMessage
from airflow_provider_ims.hooks.vod import VodHook

QUEUE = "ice-callback-airflow"
#: Action -> a call with the receipt handle of a message.
CALLS: dict[str, Callable[[SmqHook, str], object]] = {
    "BatchReceiveMessage": lambda hook, _: hook.receive(QUEUE, wait_seconds=0),
    "BatchDeleteMessage": lambda hook, handle: hook.delete(QUEUE, [handle]),
    "ChangeMessageVisibility": lambda hook, handle: hook.change_visibility(QUEUE, handle, 30),
    "PeekMessage": lambda hook, _: hook.peek(QUEUE),
}


@pytest.fixture
def smq(emulator: ImsEmulator) -> SmqHook:
    return SmqHook()


@pytest.fixture(scope="module")
def tls_emulator(certificate: tuple[str, str]) -> Iterator[ImsEmulator]:
    with ImsEmulator(tls_cert=certificate[0], tls_key=certificate[1], queues=[QUEUE]) as emulator:
        yield emulator


@pytest.fixture(params=["http", "https"])
def served(
    request: pytest.FixtureRequest, emulator: ImsEmulator, connect: Callable[..., None], certificate: tuple[str, str]
) -> ImsEmulator:
    """Return an emulator to which the connection ims_default points, once over HTTP and once over HTTPS."""
    if request.param == "http":
        return emulator
    over_tls: ImsEmulator = request.getfixturevalue("tls_emulator")
    over_tls.reset()
    connect(over_tls, ca=certificate[0])
    return over_tls


def receive_all(smq: SmqHook, expected: int) -> list[SmqMessage]:
    """Receive messages until their number is the expected number."""
    received: list[SmqMessage] = []
    end = time.monotonic() + CEILING
    while len(received) < expected and time.monotonic() < end:
        received += smq.receive(QUEUE, wait_seconds=1)
    return received


def test_a_message_is_received_changed_and_deleted(served: ImsEmulator) -> None:
    smq = SmqHook()
    (message_id,) = served.put_messages(QUEUE, ["{}"])
    (first,) = smq.receive(QUEUE)
    assert (first.id, first.body, first.received_count) == (message_id, "{}", 1)
    assert first.enqueued_at == pytest.approx(time.time(), abs=CEILING)
    assert first.visible_at > first.enqueued_at
    handle = smq.change_visibility(QUEUE, first.receipt_handle, 1)
    assert handle not in (None, first.receipt_handle)
    assert smq.change_visibility(QUEUE, first.receipt_handle, 1) is None
    (second,) = receive_all(smq, 1)
    assert (second.id, second.received_count) == (message_id, 2)
    # The request contains a valid handle, and a handle that the second receipt has replaced.
    assert smq.delete(QUEUE, [first.receipt_handle, second.receipt_handle]) == [first.receipt_handle]
    assert served.messages(QUEUE) == []


def test_a_deletion_sends_one_request_for_each_batch(served: ImsEmulator) -> None:
    smq = SmqHook()
    served.put_messages(QUEUE, [str(number) for number in range(40)])
    received = [smq.receive(QUEUE, wait_seconds=0) for _ in range(4)]
    assert [len(batch) for batch in received] == [16, 16, 8, 0]
    assert smq.delete(QUEUE, [one.receipt_handle for batch in received for one in batch]) == []
    assert served.messages(QUEUE) == []
    assert len(served.requests("smq:BatchDeleteMessage")) == 3


def test_a_long_poll_ends_with_the_first_message(smq: SmqHook, emulator: ImsEmulator) -> None:
    received: list[list[SmqMessage]] = []
    thread = threading.Thread(target=lambda: received.append(smq.receive(QUEUE, wait_seconds=30)))
    thread.start()
    end = time.monotonic() + CEILING
    while thread.is_alive() and not emulator.requests("smq:BatchReceiveMessage") and time.monotonic() < end:
        time.sleep(0.01)
    emulator.put_messages(QUEUE, ["{}"])
    thread.join(CEILING)
    assert [one.body for (batch,) in [received] for one in batch] == ["{}"]
    (sent,) = emulator.requests("smq:BatchReceiveMessage")
    assert sent["parameters"] | {"waitseconds": "30", "numofmessages": "16"} == sent["parameters"]


@pytest.mark.parametrize("in_base64", [False, True])
def test_the_end_of_a_job_is_received_in_both_encodings(
    connect: Callable[..., None], text_job: dict[str, str], in_base64: bool
) -> None:
    durations = dict.fromkeys(JOB_KINDS, 0.0)
    with ImsEmulator(durations=durations, queues=[QUEUE], queue_base64=in_base64) as emulator:
        connect(emulator)
        user_data = {"NotifyAddress": QUEUE, "mine": "新店"}
        parameters = {**text_job, "UserData": json.dumps(user_data, ensure_ascii=False)}
        job_id = ImsHook().call("SubmitTextGenerateJob", parameters)["JobId"]
        (message,) = receive_all(SmqHook(), 1)
        (kept,) = emulator.messages(QUEUE)
    assert (kept["body"] == message.body) is not in_base64
    parsed = parse_message(message.body)
    assert job_ids_in(parsed) == {job_id}
    assert event_of(parsed).outcome == "success"
    assert event_of(parsed).user_data == user_data


def test_a_body_can_be_plain_or_encoded_in_base64(smq: SmqHook, emulator: ImsEmulator) -> None:
    bodies = ["{}", "新店 <&>", "a\x00b", "\ud7ff\ue000"]
    encoded = [base64.b64encode(body.encode()).decode() for body in bodies]
    emulator.put_messages(QUEUE, [bodies[0], bodies[1], *encoded])
    received = [one.body for one in receive_all(smq, 6)]
    assert sorted(received) == sorted([bodies[0], bodies[1], *bodies])


def test_threads_share_a_hook(smq: SmqHook, emulator: ImsEmulator) -> None:
    count = 200
    emulator.put_messages(QUEUE, [str(number) for number in range(count)])
    bodies: list[str] = []
    failures: list[Exception] = []

    def work() -> None:
        try:
            while batch := smq.receive(QUEUE, wait_seconds=0):
                handles = [smq.change_visibility(QUEUE, one.receipt_handle, 600) for one in batch]
                assert smq.delete(QUEUE, [handle for handle in handles if handle]) == []
                bodies.extend(one.body for one in batch)
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(CEILING)
    assert failures == []
    assert sorted(bodies, key=int) == [str(number) for number in range(count)]
    assert emulator.messages(QUEUE) == []


def test_an_sts_token_is_sent(emulator: ImsEmulator, connect: Callable[..., None]) -> None:
    sts = {"login": "STS.key", "password": "sts-secret"}
    connect(emulator, **sts, security_token="sts-token")
    assert SmqHook().receive(QUEUE, wait_seconds=0) == []
    connect(emulator, **sts, security_token="wrong-token")
    with pytest.raises(ImsCredentialsError, match="rejected the credentials") as raised:
        SmqHook().receive(QUEUE, wait_seconds=0)
    assert raised.value.request_id == emulator.requests("smq:BatchReceiveMessage")[-1]["request_id"]


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"password": "wrong"}, "the AccessKey secret is wrong"),
        ({"login": "LTAI-nobody"}, "the AccessKey is disabled|no AccessKey has this ID"),
    ],
)
def test_the_error_for_wrong_credentials_contains_the_likely_reason(
    emulator: ImsEmulator, connect: Callable[..., None], fields: dict[str, str], advice: str
) -> None:
    connect(emulator, **fields)
    with pytest.raises(ImsCredentialsError, match=advice):
        SmqHook().receive(QUEUE)


FAULTS: list[tuple[str, type[ImsError]]] = [
    ("throttle", ImsThrottledError),
    ("server_error", ImsUnavailableError),
    ("unavailable", ImsUnavailableError),
    ("deny", ImsPermissionError),
    ("non_json", ImsUnavailableError),
    ("cut", ImsUnavailableError),
    ("cut_after", ImsUnavailableError),
]


@pytest.mark.parametrize("action", CALLS)
@pytest.mark.parametrize(("kind", "error"), FAULTS)
def test_each_fault_raises_its_error_without_a_retry(
    smq: SmqHook, emulator: ImsEmulator, action: str, kind: str, error: type[ImsError]
) -> None:
    emulator.put_messages(QUEUE, ["received", "visible"])
    (message,) = smq.receive(QUEUE, max_messages=1)
    emulator.fault(f"smq:{action}", kind)
    before = len(emulator.requests(f"smq:{action}"))
    with pytest.raises(error, match=QUEUE) as raised:
        CALLS[action](smq, message.receipt_handle)
    assert type(raised.value) is error
    assert raised.value.action == action
    (sent,) = emulator.requests(f"smq:{action}")[before:]
    if kind in ("throttle", "server_error", "unavailable", "deny"):
        assert raised.value.request_id == sent["request_id"]
    if isinstance(raised.value, ImsPermissionError):
        assert raised.value.ram_action == f"mns:{action}"
    # The next request opens a new connection if necessary.
    CALLS[action](smq, message.receipt_handle)


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
def test_a_missing_response_raises_after_the_read_timeout(
    served: ImsEmulator, connect: Callable[..., None], certificate: tuple[str, str], kind: str
) -> None:
    connect(served, ca=certificate[0], read_timeout="0.1")
    served.put_messages(QUEUE, ["{}"])
    served.fault("smq:BatchReceiveMessage", kind)
    with pytest.raises(ImsUnavailableError, match=r"did not respond \(ReadTimeout"):
        SmqHook().receive(QUEUE, wait_seconds=0)
    served.clear_faults()


def test_a_repeated_message_has_the_same_id(smq: SmqHook, emulator: ImsEmulator) -> None:
    emulator.put_messages(QUEUE, ["{}"])
    emulator.fault("smq:BatchReceiveMessage", "redeliver")
    first, second = receive_all(smq, 2)
    assert first.id == second.id


def test_the_error_for_a_queue_that_does_not_exist_contains_its_name(connect: Callable[..., None]) -> None:
    with ImsEmulator(queues=[QUEUE]) as emulator:
        connect(emulator)
        with pytest.raises(ImsResourceNotFoundError, match="queue ice-callback-other"):
            SmqHook().receive("ice-callback-other")


@pytest.mark.parametrize(("maximum", "wait"), [(17, 0), (0, 0), (1, 31)])
def test_values_outside_of_the_limits_of_the_service_are_rejected(smq: SmqHook, maximum: int, wait: int) -> None:
    with pytest.raises(ImsRequestError):
        smq.receive(QUEUE, max_messages=maximum, wait_seconds=wait)


@pytest.mark.parametrize("hook", [ImsHook, VodHook])
def test_the_connection_test_receives_no_message(
    emulator: ImsEmulator, connect: Callable[..., None], hook: type[ImsHook | VodHook]
) -> None:
    connect(emulator, smq_queue=QUEUE)
    for bodies in ([], ["{}"]):
        if bodies:
            emulator.put_messages(QUEUE, bodies)
        works, message = hook().test_connection()
        assert works
        assert message.endswith(f"; PeekMessage of {QUEUE} succeeded at {emulator.endpoint}")
    (kept,) = emulator.messages(QUEUE)
    assert kept["received"] == 0


@pytest.mark.parametrize("hook", [ImsHook, VodHook])
def test_the_connection_test_reports_a_missing_permission_and_a_missing_endpoint(
    emulator: ImsEmulator, connect: Callable[..., None], hook: type[ImsHook | VodHook]
) -> None:
    connect(emulator, smq_queue=QUEUE)
    emulator.fault("smq:*", "deny")
    works, message = hook().test_connection()
    assert not works
    assert "mns:PeekMessage" in message
    connect(emulator, smq_queue=QUEUE, smq_endpoint="")
    works, message = hook().test_connection()
    assert not works
    assert "set smq_endpoint" in message


@pytest.mark.parametrize("action", CALLS)
@pytest.mark.parametrize("kind", [None, *(kind for kind, _ in FAULTS)])
def test_no_error_and_no_log_contains_a_secret(
    emulator: ImsEmulator,
    connect: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    action: str,
    kind: str | None,
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator.put_messages(QUEUE, ["received", "visible"])
    (message,) = SmqHook().receive(QUEUE, max_messages=1)
    errors = []
    if kind:
        emulator.fault(f"smq:{action}", kind, count=None)
    for fields in (
        {},
        {"password": "canary-wrong-secret"},
        {"login": "STS.key", "password": "sts-secret", "security_token": "sts-token"},
    ):
        connect(emulator, **fields)
        try:
            CALLS[action](SmqHook(), message.receipt_handle)
        except ImsError as error:
            errors.append(error)
    assert len(errors) >= (2 if kind else 1)
    assert [error.__context__ for error in errors] == [None] * len(errors)
    shown = "".join(f"{error!r} {''.join(traceback.format_exception(error))}" for error in errors) + caplog.text
    for hidden in (emulator.access_key_secret, "canary-wrong-secret", "sts-secret", "sts-token", "MNS "):
        assert hidden not in shown
