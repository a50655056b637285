"""The signatures of requests to SMQ."""

from __future__ import annotations

import base64
import hashlib
import time
from email.utils import formatdate, parsedate_to_datetime
from urllib.parse import quote

import pytest
from mns.queue import Message
from support.queues import MESSAGES, QUEUE, QueueClient, code_of, sdk_queue

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.server.queue_signature import QueueRequest, verify

SEND = '<Message xmlns="http://mns.aliyuncs.com/doc/v1/"><MessageBody>one</MessageBody></Message>'
PEEK = f"{MESSAGES}?peekonly=true"
STS = {"access_id": "STS.key", "access_key": "sts-secret", "security_token": "sts-token"}


@pytest.fixture
def http(emulator: ImsEmulator) -> QueueClient:
    emulator.put_messages(QUEUE, ["one"])
    return QueueClient.of(emulator)


def test_the_signature_of_the_documented_example_is_correct() -> None:
    """See https://help.aliyun.com/document_detail/175633.htm, which omits the last characters of the signature."""
    date, documented = "Thu, 09 Jul 2015 03:01:34 GMT", "uwx3yeWoILzgmvesW0BQSgfM"
    headers = QueueClient("", "TestAccessID", "TestAccessSecret").headers("GET", "/MyQueue", {"date": date})
    assert headers["authorization"].startswith(f"MNS TestAccessID:{documented}")
    request = QueueRequest("GET", "/MyQueue", headers, b"")
    now = parsedate_to_datetime(date).timestamp()
    assert verify(request, lambda key_id, token: "TestAccessSecret", lambda: now + 899) == "TestAccessID"
    with pytest.raises(ApiError, match="TimeExpired"):
        verify(request, lambda key_id, token: "TestAccessSecret", lambda: now + 901)


def test_a_temporary_credential_requires_its_token(emulator: ImsEmulator) -> None:
    sdk_queue(emulator, **STS).send_message(Message("one"))
    for changes, code in (
        ({"security_token": ""}, "InvalidAccessKeyId"),
        ({"security_token": "wrong"}, "InvalidSecurityToken"),
        ({"access_key": "wrong"}, "SignatureDoesNotMatch"),
        ({"access_id": "STS.old", "access_key": "old-secret", "security_token": "old-token"}, "InvalidSecurityToken"),
    ):
        assert code_of(sdk_queue(emulator, **{**STS, **changes}).receive_message, 0) == code
    assert emulator.counts()["smq:ReceiveMessage"] == {"403": 4}


@pytest.mark.parametrize(
    ("credential", "code"),
    [({"access_key": "wrong"}, "SignatureDoesNotMatch"), ({"access_id": "unknown"}, "InvalidAccessKeyId")],
)
def test_a_wrong_key_is_rejected(emulator: ImsEmulator, credential: dict[str, str], code: str) -> None:
    queue = sdk_queue(emulator, **credential)
    for call, arguments in ((queue.receive_message, (0,)), (queue.send_message, (Message("x"),))):
        assert code_of(call, *arguments) == code
    assert emulator.queues() == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"authorization": None}, 400, "MissingAuthorizationHeader"),
        ({"authorization": "MNS"}, 400, "InvalidAuthorizationHeader"),
        ({"authorization": "MNS a"}, 400, "InvalidAuthorizationHeader"),
        ({"authorization": "OSS a:b"}, 400, "InvalidAuthorizationHeader"),
        ({"authorization": "MNS LTAI-ims-emulator:é"}, 403, "SignatureDoesNotMatch"),
        ({"date": None}, 400, "MissingDateHeader"),
        ({"date": "2026-01-01T00:00:00Z"}, 400, "InvalidDateHeader"),
        ({"date": "Thu, 99 Mar 2012 18:49:58 GMT"}, 400, "InvalidDateHeader"),
        ({"date": "Thu, 17 Mar 2012 18:49:58 GMT"}, 408, "TimeExpired"),
        ({"x-mns-date": "Thu, 17 Mar 2012 18:49:58 GMT"}, 408, "TimeExpired"),
    ],
)
def test_a_request_that_is_not_correctly_signed_is_rejected(
    http: QueueClient, changes: dict[str, str | None], status: int, code: str
) -> None:
    headers = http.headers("GET", PEEK, changes)
    if "authorization" in changes:
        headers = {**headers, "authorization": changes["authorization"] or ""}
    response = http.send("GET", PEEK, b"", {name: value.encode().decode("latin-1") for name, value in headers.items()})
    assert (response.status, response.code) == (status, code)
    assert response["HostId"] == http.endpoint
    assert response["RequestId"] == response.headers["x-mns-request-id"]
    assert response["Message"]


@pytest.mark.parametrize("change", ["method", "target", "x-mns-version", "content-type", "content-md5", "body"])
def test_the_signature_covers_each_part_of_the_request(http: QueueClient, change: str) -> None:
    digest = base64.b64encode(hashlib.md5(SEND.encode()).hexdigest().encode()).decode()
    signed = http.headers("POST", MESSAGES, {"content-md5": digest}, SEND.encode())
    method = "PUT" if change == "method" else "POST"
    target = f"{MESSAGES}?a=b" if change == "target" else MESSAGES
    body = SEND.replace("one", "two") if change == "body" else SEND
    headers = {name: "text/plain" if name == change else value for name, value in signed.items()}
    code = http.send(method, target, body.encode(), headers).code
    assert code == ("InvalidDegist" if change == "body" else "SignatureDoesNotMatch")
    assert http.send("POST", MESSAGES, SEND.encode(), signed).status == 201


def test_both_forms_of_content_md5_are_accepted(http: QueueClient) -> None:
    digest = hashlib.md5(SEND.encode())
    for value in (digest.digest(), digest.hexdigest().encode()):
        assert http("POST", body=SEND, content_md5=base64.b64encode(value).decode()).status == 201


def test_the_header_x_mns_date_can_replace_the_header_date(http: QueueClient) -> None:
    assert http("GET", PEEK, x_mns_date=formatdate(time.time() - 600, usegmt=True), date=None)["MessageBody"] == "one"


def test_the_signature_can_be_that_of_the_decoded_resource(http: QueueClient) -> None:
    target = f"{MESSAGES}?receiptHandle=8-MS0yLTM="
    encoded = target.replace("=8-MS0yLTM=", f"={quote('8-MS0yLTM=', safe='')}")
    headers = http.headers("DELETE", target, {})
    assert http.send("DELETE", encoded, b"", headers).code == "MessageNotExist"
