"""Documented and malformed responses of SMQ, from a server that returns the responses that a test defines."""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

import pytest

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
from airflow_provider_ims.hooks.smq import SmqHook, SmqMessage, decode_body

QUEUE = "ice-callback-airflow"
XMLNS = 'xmlns="http://mns.aliyuncs.com/doc/v1/"'
ERRORS = [
    ("QpsLimitExceeded", 400, ImsThrottledError),
    ("Whatever", 429, ImsThrottledError),
    ("InternalError", 500, ImsUnavailableError),
    ("InternalServerError", 500, ImsUnavailableError),
    ("ServiceUnavailable", 503, ImsUnavailableError),
    ("AccessDenied", 403, ImsPermissionError),
    ("InvalidAccessKeyId", 403, ImsCredentialsError),
    ("SignatureDoesNotMatch", 403, ImsCredentialsError),
    ("InvalidAuthorizationHeader", 400, ImsCredentialsError),
    ("TimeExpired", 408, ImsCredentialsError),
    ("InvalidDateHeader", 400, ImsCredentialsError),
    ("QueueNotExist", 404, ImsResourceNotFoundError),
    ("InvalidArgument", 400, ImsRequestError),
    ("InvalidQueryString", 400, ImsRequestError),
    ("QueueNameLengthError", 400, ImsRequestError),
]
CALLS: dict[str, Callable[[SmqHook], object]] = {
    "BatchReceiveMessage": lambda hook: hook.receive(QUEUE, wait_seconds=0),
    "BatchDeleteMessage": lambda hook: hook.delete(QUEUE, ["handle"]),
    "ChangeMessageVisibility": lambda hook: hook.change_visibility(QUEUE, "handle", 30),
    "PeekMessage": lambda hook: hook.peek(QUEUE),
}


def error(code: str, message: str = "The service's message.") -> str:
    fields = {
        "Code": code,
        "Message": message,
        "RequestId": "REQUEST-1",
        "HostId": "http://1.mns.cn-shanghai.aliyuncs.com",
    }
    return f"<Error {XMLNS}>{elements(fields)}</Error>"


def elements(fields: dict[str, str]) -> str:
    return "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())


def messages(*bodies: str) -> str:
    found = [
        {
            "MessageId": f"id-{number}",
            "ReceiptHandle": f"handle-{number}",
            "MessageBody": body,
            "MessageBodyMD5": "0" * 32,
            "EnqueueTime": "1700000000123",
            "NextVisibleTime": "1700000030123",
            "FirstDequeueTime": "1700000000500",
            "DequeueCount": "3",
            "Priority": "8",
        }
        for number, body in enumerate(bodies)
    ]
    return f"<Messages {XMLNS}>{''.join(f'<Message>{elements(one)}</Message>' for one in found)}</Messages>"


def errors(**codes: str) -> str:
    """Return the response to a deletion of several messages: receipt handle -> error code."""
    entries = [
        elements({"ErrorCode": code, "ErrorMessage": "m", "ReceiptHandle": handle}) for handle, code in codes.items()
    ]
    return f"<Errors {XMLNS}>{''.join(f'<Error>{one}</Error>' for one in entries)}</Errors>"


@pytest.mark.parametrize("action", CALLS)
@pytest.mark.parametrize(("code", "status", "kind"), ERRORS)
def test_each_code_raises_its_error(wire: Any, action: str, code: str, status: int, kind: type[ImsError]) -> None:
    wire.answer(error(code), status)
    with pytest.raises(ImsError) as raised:
        CALLS[action](SmqHook())
    assert type(raised.value) is kind
    assert (raised.value.action, raised.value.code, raised.value.request_id) == (action, code, "REQUEST-1")
    assert QUEUE in str(raised.value)
    assert len(wire.received) == 1
    if isinstance(raised.value, ImsPermissionError):
        assert raised.value.ram_action == f"mns:{action}"
        assert f"mns:{action}" in str(raised.value)
        assert "smq_endpoint" in str(raised.value)


@pytest.mark.parametrize("code", ["TimeExpired", "InvalidDateHeader"])
def test_the_error_for_a_rejected_time_mentions_the_clock(wire: Any, code: str) -> None:
    wire.answer(error(code), 408)
    with pytest.raises(ImsCredentialsError, match="clock of this machine"):
        SmqHook().receive(QUEUE)


@pytest.mark.parametrize("action", CALLS)
@pytest.mark.parametrize("body", ["", "<html>Bad Gateway</html>", "{}", "<Error>", "<Messages/>", "\0"])
def test_a_response_of_another_server_is_classified_by_its_status(wire: Any, action: str, body: str) -> None:
    kinds = {400: ImsRequestError, 404: ImsRequestError, 429: ImsThrottledError, 502: ImsUnavailableError}
    for status, kind in kinds.items():
        wire.answers.clear()
        wire.answer(body, status, x_mns_request_id="REQUEST-2")
        with pytest.raises(kind, match=f"HTTP status {status}|Throttled") as raised:
            CALLS[action](SmqHook())
        assert type(raised.value) is kind
        assert raised.value.request_id == "REQUEST-2"


@pytest.mark.parametrize("body", ["", "<html/>", "{}", "<Messages><Message></Message></Messages>", "<Messages"])
def test_a_successful_response_of_another_server_raises_unavailable(wire: Any, body: str) -> None:
    wire.answer(body)
    with pytest.raises(ImsUnavailableError, match="not the XML of SMQ"):
        SmqHook().receive(QUEUE)


def test_a_redirect_is_not_followed(wire: Any) -> None:
    wire.answer("", 302, location="http://127.0.0.1:1/")
    with pytest.raises(ImsUnavailableError):
        SmqHook().receive(QUEUE)
    assert len(wire.received) == 1


def test_a_message_has_the_fields_that_were_sent(wire: Any) -> None:
    wire.answer(messages("{}"))
    assert SmqHook().receive(QUEUE, max_messages=5, wait_seconds=7) == [
        SmqMessage("id-0", "{}", "handle-0", 3, 1700000000.123, 1700000030.123)
    ]
    (sent,) = wire.received
    assert (sent.method, sent.path) == ("GET", f"/queues/{QUEUE}/messages")
    assert sent.query == {"numOfMessages": "5", "waitseconds": "7"}


@pytest.mark.parametrize(
    "body", ['{"JobId": "<a> & \\u0000"}', "新店", "", "  padded  ", "not base64", "two\nlines", "x" * 65536]
)
def test_both_encodings_of_a_body_are_read(wire: Any, body: str) -> None:
    encoded = base64.b64encode(body.encode()).decode()
    in_lines = "\n".join(encoded[start : start + 76] for start in range(0, len(encoded), 76))
    bodies = [escape(body), encoded, in_lines, f"<![CDATA[{body}]]>"]
    # The SDK reads an empty element as a missing body. The service does not accept empty messages.
    wire.answer(messages(*bodies if body else []))
    assert [one.body for one in SmqHook().receive(QUEUE)] == ([body] * 4 if body else [])


def test_a_control_character_does_not_hide_the_other_messages(wire: Any) -> None:
    wire.answer(messages("a\0b", "c&#x1B;d", "e&#0;f", "g&#60;h", "i\tj", "k"))
    assert [one.body for one in SmqHook().receive(QUEUE)] == ["a\ufffdb", "c\ufffdd", "e\ufffdf", "g<h", "i\tj", "k"]


def test_invalid_utf_8_does_not_hide_the_other_messages(wire: Any) -> None:
    wire.answer(messages("a", "b").encode().replace(b">b<", b">\xff<"))
    assert [one.body for one in SmqHook().receive(QUEUE)] == ["a", "\ufffd"]


@pytest.mark.parametrize("text", ["{}", "text", "12345678", "YQ", "YQ=", "YQ==YQ==", "_-_-", "\ud800", "é", "/w=="])
def test_a_body_that_is_not_base64_of_text_is_the_text(text: str) -> None:
    assert decode_body(text) == text


def test_an_empty_queue_returns_nothing(wire: Any) -> None:
    wire.answer(error("MessageNotExist"), 404)
    assert SmqHook().receive(QUEUE, wait_seconds=0) == []


def test_invalid_handles_are_returned(wire: Any) -> None:
    wire.answer("", 204)
    wire.answer(errors(h20="MessageNotExist", h22="ReceiptHandleError"), 404)
    wire.answer(error("ReceiptHandleError"), 400)
    handles = [f"h{number}" for number in range(36)]
    assert SmqHook().delete(QUEUE, handles) == ["h20", "h22", *handles[32:]]
    sent = [[handle for handle in handles if f">{handle}<" in one.body] for one in wire.received]
    assert sent == [handles[:16], handles[16:32], handles[32:]]


def test_no_request_is_sent_without_handles(wire: Any) -> None:
    assert SmqHook().delete(QUEUE, []) == []
    assert wire.received == []


def test_an_error_of_one_message_is_raised(wire: Any) -> None:
    wire.answer(errors(a="MessageNotExist", b="InternalError"), 500)
    with pytest.raises(ImsUnavailableError) as raised:
        SmqHook().delete(QUEUE, ["a", "b"])
    assert raised.value.code == "InternalError"


def test_a_change_of_visibility_returns_the_new_handle(wire: Any) -> None:
    changed = elements({"ReceiptHandle": "new", "NextVisibleTime": "1700000030123"})
    wire.answer(f"<ChangeVisibility {XMLNS}>{changed}</ChangeVisibility>")
    for code in ("MessageNotExist", "ReceiptHandleError"):
        wire.answer(error(code), 404)
    hook = SmqHook()
    assert hook.change_visibility(QUEUE, "1-ODU4OT/M5+My0=", 30) == "new"
    assert hook.change_visibility(QUEUE, "1-a", 30) is None
    assert hook.change_visibility(QUEUE, "1-a", 30) is None
    assert wire.received[0].method == "PUT"


@pytest.mark.parametrize("queue", ["", "a/b", "a?b=c", "../a", "a b", "é", "a\n", None, 7, "-a"])
def test_no_request_is_sent_for_an_invalid_queue_name(wire: Any, queue: Any) -> None:
    with pytest.raises(ImsRequestError, match="is not the name of a queue"):
        SmqHook().receive(queue)
    assert wire.received == []


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda hook: hook.receive(QUEUE, wait_seconds=-2), "wait_seconds"),
        (lambda hook: hook.delete(QUEUE, [""]), "receipt handle"),
        (lambda hook: hook.change_visibility(QUEUE, "a", 43201), "43200"),
    ],
)
def test_the_error_for_an_argument_that_the_sdk_rejects_contains_its_name(
    wire: Any, call: Callable[[SmqHook], object], expected: str
) -> None:
    with pytest.raises(ImsRequestError, match=expected):
        call(SmqHook())
    assert wire.received == []


SECRETS = {"password": "canary/key+secret", "security_token": "canary/token+b504"}


@pytest.mark.parametrize("action", CALLS)
@pytest.mark.parametrize(
    ("body", "status"),
    [(error("AccessDenied"), 403), (error("SignatureDoesNotMatch", SECRETS["security_token"]), 403), ("<html", 502)],
)
def test_no_error_and_no_log_contains_a_secret(
    wire: Any, connect: Callable[..., None], caplog: pytest.LogCaptureFixture, action: str, body: str, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    endpoint = SmqHook().settings.endpoint("mns")
    connect(login="STS.key", **SECRETS, protocol="http", smq_endpoint=endpoint, https_proxy="http://u:canary-proxy@h")
    wire.answer(body, status)
    with pytest.raises(ImsError) as raised:
        CALLS[action](SmqHook())
    assert wire.received[0].headers["security-token"] == SECRETS["security_token"]
    signature = wire.received[0].headers["authorization"].partition(":")[2]
    shown = f"{raised.value!r} {''.join(traceback.format_exception(raised.value))} {caplog.text}"
    for hidden in (*SECRETS.values(), "canary-proxy", signature):
        assert hidden not in shown
    # Error trackers store the attributes of the whole chain of exceptions.
    assert raised.value.__context__ is None


def test_the_connection_test_checks_the_queue(wire: Any, connect: Callable[..., None]) -> None:
    endpoint = SmqHook().settings.endpoint("mns")
    place = {"protocol": "http", "ims_endpoint": endpoint, "smq_endpoint": endpoint, "smq_queue": QUEUE}
    connect(login="key", password="wire-secret", region_id="cn-shanghai", **place)
    wire.answer("{}")
    wire.answer(error("AccessDenied"), 403)
    works, message = ImsHook().test_connection()
    assert not works
    assert "ListSmartJobs succeeded" in message
    assert "mns:PeekMessage" in message
    wire.answers.clear()
    wire.answer("{}")
    wire.answer(error("MessageNotExist"), 404)
    assert ImsHook().test_connection() == (
        True,
        f"ListSmartJobs succeeded at {endpoint}; PeekMessage of {QUEUE} succeeded at {endpoint}",
    )


def test_the_connection_test_of_the_smq_hook_requires_a_queue(wire: Any) -> None:
    assert SmqHook().test_connection() == (
        False,
        "No queue for cn-shanghai: set smq_queue in the connection's extra. It applies only to the connection's region",
    )


def test_the_queue_of_a_connection_belongs_to_its_region(wire: Any, connect: Callable[..., None]) -> None:
    connect(login="key", password="wire-secret", region_id="cn-shanghai", smq_queue=QUEUE, smq_endpoint="127.0.0.1:1")
    works, message = SmqHook(region_id="cn-beijing").test_connection()
    assert not works
    assert message == (
        "No queue for cn-beijing: set smq_queue in the connection's extra. It applies only to the connection's region"
    )
