"""The format of requests to SMQ, and the errors for invalid requests."""

from __future__ import annotations

import pytest
from support.queues import MESSAGES, QUEUE, QueueClient

from airflow_provider_ims.emulator import ImsEmulator

SEND = '<Message xmlns="http://mns.aliyuncs.com/doc/v1/"><MessageBody>one</MessageBody></Message>'
HANDLE = "<ReceiptHandle>a</ReceiptHandle>"


@pytest.fixture
def http(emulator: ImsEmulator) -> QueueClient:
    emulator.put_messages(QUEUE, ["one"])
    return QueueClient.of(emulator)


@pytest.mark.parametrize(
    ("method", "target", "body", "code"),
    [
        ("PUT", "/queues", "", "InvalidRequestURL"),
        ("GET", f"{MESSAGES}/more", "", "InvalidRequestURL"),
        ("GET", f"/queues/{QUEUE}/other", "", "InvalidRequestURL"),
        ("PATCH", MESSAGES, "", "InvalidRequestURL"),
        ("GET", f"{MESSAGES}?unknown=1", "", "InvalidQueryString"),
        ("GET", f"{MESSAGES}?%ff", "", "InvalidQueryString"),
        ("GET", f"{MESSAGES}?waitseconds=31", "", "InvalidArgument"),
        ("GET", f"{MESSAGES}?waitseconds=-1", "", "InvalidArgument"),
        ("GET", f"{MESSAGES}?waitseconds=x", "", "InvalidArgument"),
        ("GET", f"{MESSAGES}?numOfMessages=17", "", "InvalidArgument"),
        ("GET", f"{MESSAGES}?numOfMessages=0", "", "InvalidArgument"),
        ("GET", f"{MESSAGES}?numOfMessages=", "", "InvalidArgument"),
        ("DELETE", MESSAGES, "", "MissingReceiptHandle"),
        ("DELETE", f"{MESSAGES}?ReceiptHandle=nonsense", "", "ReceiptHandleError"),
        ("DELETE", MESSAGES, "<ReceiptHandles/>", "InvalidArgument"),
        (
            "DELETE",
            MESSAGES,
            f"<ReceiptHandles>{'<ReceiptHandle>a</ReceiptHandle>' * 17}</ReceiptHandles>",
            "InvalidArgument",
        ),
        ("DELETE", MESSAGES, "<Handles/>", "InvalidArgument"),
        ("PUT", f"{MESSAGES}?receiptHandle=8-MS0yLTM=", "", "MissingVisibilityTimeout"),
        ("PUT", f"{MESSAGES}?visibilityTimeout=1", "", "MissingReceiptHandle"),
        ("PUT", f"{MESSAGES}?receiptHandle=8-MS0yLTM=&visibilityTimeout=0", "", "InvalidArgument"),
        ("PUT", f"{MESSAGES}?receiptHandle=8-MS0yLTM=&visibilityTimeout=43201", "", "InvalidArgument"),
        ("POST", MESSAGES, "", "MalformedXML"),
        ("POST", MESSAGES, "<Message>", "MalformedXML"),
        ("POST", MESSAGES, '<?xml version="1.0" encoding="none"?><Message/>', "MalformedXML"),
        (
            "POST",
            MESSAGES,
            '<!DOCTYPE a [<!ENTITY b "c">]><Message><MessageBody>&b;</MessageBody></Message>',
            "MalformedXML",
        ),
        ("POST", MESSAGES, "<a>" * 100_000 + "</a>" * 100_000, "InvalidArgument"),
        ("POST", MESSAGES, "<Message/>", "InvalidArgument"),
        ("POST", MESSAGES, "<Message><MessageBody/></Message>", "InvalidArgument"),
        ("POST", MESSAGES, f"<Message><MessageBody>{'é' * 32_769}</MessageBody></Message>", "InvalidArgument"),
        ("POST", MESSAGES, "<Message><MessageBody>a</MessageBody><Priority>17</Priority></Message>", "InvalidArgument"),
        ("POST", MESSAGES, "<Message><MessageBody>a</MessageBody><DelaySeconds/></Message>", "InvalidArgument"),
        ("POST", MESSAGES, "<Messages/>", "InvalidArgument"),
        ("POST", MESSAGES, "<Messages><a/></Messages>", "InvalidArgument"),
        ("PUT", f"/queues/{QUEUE}", "<Queue><VisibilityTimeout>0</VisibilityTimeout></Queue>", "InvalidArgument"),
        ("PUT", f"/queues/{QUEUE}", "<Queue><LoggingEnabled>maybe</LoggingEnabled></Queue>", "InvalidArgument"),
        ("PUT", f"/queues/{QUEUE}?metaoverride=true", "<Topic/>", "InvalidArgument"),
        ("PUT", "/queues/a_b", "", "InvalidQueueName"),
        ("PUT", f"/queues/{'a' * 257}", "", "QueueNameLengthError"),
        ("GET", "/queues/%C3%A9/messages", "", "InvalidQueueName"),
        ("GET", "/queues//messages", "", "QueueNameLengthError"),
    ],
)
def test_an_invalid_request_is_rejected_with_the_documented_code(
    http: QueueClient, method: str, target: str, body: str, code: str
) -> None:
    response = http(method, target, body)
    assert (response.code, response.status) == (code, 400)


def test_a_namespace_is_not_required(http: QueueClient) -> None:
    assert http("POST", body="<Message><MessageBody>one</MessageBody></Message>").status == 201
    assert http("POST", body=b'\xef\xbb\xbf<?xml version="1.0"?>\n' + SEND.encode()).status == 201


def test_a_batch_with_an_invalid_message_sends_no_message(emulator: ImsEmulator, http: QueueClient) -> None:
    good, bad = "<Message><MessageBody>a</MessageBody></Message>", "<Message><MessageBody/></Message>"
    assert http("POST", body=f"<Messages>{good}{bad}</Messages>").code == "InvalidArgument"
    assert [message["body"] for message in emulator.messages(QUEUE)] == ["one"]


def test_names_of_query_parameters_are_not_case_sensitive(http: QueueClient) -> None:
    handle = http("GET", MESSAGES)["ReceiptHandle"]
    new = http("PUT", f"{MESSAGES}?receiptHandle={handle}&visibilityTimeout=60")["ReceiptHandle"]
    newest = http("PUT", f"{MESSAGES}?ReceiptHandle={new}&VisibilityTimeout=60")["ReceiptHandle"]
    assert http("DELETE", f"{MESSAGES}?receiptHandle={newest}").status == 204


def test_a_request_with_the_headers_of_the_api_is_not_a_request_to_a_queue(
    emulator: ImsEmulator, http: QueueClient
) -> None:
    response = http.send("GET", MESSAGES, b"", {"x-acs-action": "ListSmartJobs", "x-acs-version": "2020-11-09"})
    assert '"Code":"InvalidAction.NotFound"' in response.body


def test_a_body_that_is_too_large_is_rejected(http: QueueClient) -> None:
    assert http.send("POST", MESSAGES, b"a" * 11 * 2**20, {}).status == 413
