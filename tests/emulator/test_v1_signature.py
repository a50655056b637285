"""The V1 signature (HMAC-SHA1 over the parameters), and its responses as JSON and XML."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from xml.etree import ElementTree

import pytest
from alibabacloud_ice20201109 import models
from alibabacloud_ice20201109.client import Client
from support.emulated import GOOD_REQUESTS, V1Client, send

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.messages import ApiRequest
from airflow_provider_ims.emulator.server.encoding import xml_body
from airflow_provider_ims.emulator.server.signature import string_to_sign
from airflow_provider_ims.emulator.server.verifier import CLOCK_SKEW

if TYPE_CHECKING:
    from alibabacloud_tea_openapi.models import Config

LIST, TEXT, IMAGES = "ListSmartJobs", "SubmitTextGenerateJob", "SubmitAIImageJob"


@pytest.fixture
def send_v1(emulator: ImsEmulator) -> V1Client:
    return V1Client(emulator.endpoint)


def code(response: tuple[int, Any]) -> tuple[int, str]:
    return response[0], response[1]["Code"]


def test_the_signature_equals_that_of_the_documented_example() -> None:
    query = {
        "Timestamp": "2016-02-23T12:46:24Z",
        "Format": "XML",
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "Version": "2014-05-26",
        "SignatureVersion": "1.0",
        "Signature": "OLeaidS1JvxuMvnyHOwuJ+uX5qY=",
    }
    text = string_to_sign(ApiRequest("GET", "/", {}, list(query.items()), [], b""))
    digest = hmac.new(b"testsecret&", text.encode(), hashlib.sha1).digest()
    assert base64.b64encode(digest).decode() == query["Signature"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_parameters_in_the_query_are_accepted(send_v1: V1Client, method: str) -> None:
    status, body = send_v1(TEXT, GOOD_REQUESTS[TEXT], method=method)
    assert status == 200, body
    assert body["JobId"]


def test_parameters_in_the_form_are_accepted(emulator: ImsEmulator, send_v1: V1Client) -> None:
    status, body = send_v1(TEXT, form=GOOD_REQUESTS[TEXT])
    assert status == 200, body
    (request,) = emulator.requests(TEXT)
    assert (request["in_query"], request["in_body"]) == ([], ["GenerateConfig", "Type"])


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-UrlEncoded;charset=utf-8"],
)
def test_the_content_type_is_compared_without_case(send_v1: V1Client, content_type: str) -> None:
    status, body = send_v1(TEXT, form=GOOD_REQUESTS[TEXT], headers={"Content-Type": content_type})
    assert status == 200, body


def test_the_whole_request_can_be_a_form(emulator: ImsEmulator, send_v1: V1Client) -> None:
    common = {
        "AccessKeyId": send_v1.key_id,
        "Action": LIST,
        "Format": "JSON",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "in-the-form",
        "SignatureVersion": "1.0",
        "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "Version": "2020-11-09",
    }
    request = ApiRequest("POST", "/", {}, [], list(common.items()), b"")
    digest = hmac.new(f"{send_v1.secret}&".encode(), string_to_sign(request).encode(), hashlib.sha1).digest()
    form = urlencode({**common, "Signature": base64.b64encode(digest).decode()})
    headers = {"content-type": "application/x-www-form-urlencoded"}
    status, body = send(emulator.endpoint, "POST", "/", form.encode(), headers)
    assert (status, body.get("SmartJobList")) == (200, []), body


def test_the_record_contains_the_parameters_of_the_action_and_no_secrets(
    emulator: ImsEmulator, send_v1: V1Client
) -> None:
    secrets = {"SecurityToken": "token-that-is-secret", "Signature": "signature-that-is-secret"}
    send_v1(TEXT, {**GOOD_REQUESTS[TEXT], **secrets})
    send_v1(TEXT, {"BearerToken": "bearer-that-is-secret", "SignatureType": "BEARERTOKEN"})
    first, second = emulator.requests(TEXT)
    assert (first["parameters"], second["parameters"]) == (GOOD_REQUESTS[TEXT], {})
    assert "secret" not in json.dumps([first, second])


def test_the_log_contains_no_secrets(send_v1: V1Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="airflow_provider_ims.emulator"):
        send_v1(TEXT, {**GOOD_REQUESTS[TEXT], "SecurityToken": "token-secret", "Signature": "signature-secret"})
    assert TEXT in caplog.text
    assert "-secret" not in caplog.text


def test_a_wrong_secret_is_rejected_with_the_string_to_sign(send_v1: V1Client) -> None:
    status, body = send_v1(LIST, {"MaxResults": "5"}, secret="wrong")
    assert (status, body["Code"]) == (400, "SignatureDoesNotMatch")
    start = "Specified signature is not matched with our calculation. server string to sign is:POST&%2F&AccessKeyId%3D"
    assert body["Message"].startswith(start)


@pytest.mark.parametrize(
    "name",
    [
        "AccessKeyId",
        "Action",
        "Signature",
        "SignatureMethod",
        "SignatureNonce",
        "SignatureVersion",
        "Timestamp",
        "Version",
    ],
)
def test_the_error_for_a_missing_parameter_contains_its_name(send_v1: V1Client, name: str) -> None:
    status, body = send_v1(LIST, {name: "" if name == "Signature" else None})
    assert (status, body["Code"]) == (400, "MissingParameter")
    assert f'"{name}"' in body["Message"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"AccessKeyId": "LTAI-other"}, (404, "InvalidAccessKeyId.NotFound")),
        ({"Timestamp": "yesterday"}, (400, "InvalidTimeStamp.Format")),
        ({"SignatureMethod": "HMAC-MD5"}, (400, "InvalidParameter")),
        ({"SignatureVersion": "2.0"}, (400, "InvalidParameter")),
        ({"Signature": "é"}, (400, "IncompleteSignature")),
        # A "+" that is not encoded arrives as a space.
        ({"Signature": "OLeaidS1JvxuMvnyHOwuJ uX5qY="}, (400, "IncompleteSignature")),
        ({"Signature": "OLeaidS1JvxuMvnyHOwuJ+uX5qY="}, (400, "SignatureDoesNotMatch")),
        ({"SecurityToken": "garbage"}, (400, "InvalidSecurityToken.Malformed")),
        ({"Version": "2014-06-18"}, (404, "InvalidVersion")),
        ({"Action": "SubmitNothing"}, (404, "InvalidAction.NotFound")),
        ({"SignatureType": "BEARERTOKEN", "BearerToken": "unknown"}, (403, "InvalidBearerToken")),
        ({"SignatureType": "BEARERTOKEN"}, (403, "InvalidBearerToken")),
    ],
)
def test_an_invalid_request_is_rejected_with_its_error_code(
    send_v1: V1Client, changes: dict[str, str | None], expected: tuple[int, str]
) -> None:
    assert code(send_v1(LIST, changes)) == expected


@pytest.mark.parametrize("seconds", [-CLOCK_SKEW - 5, CLOCK_SKEW + 5])
def test_a_timestamp_more_than_fifteen_minutes_off_is_rejected(send_v1: V1Client, seconds: float) -> None:
    timestamp = (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert code(send_v1(LIST, {"Timestamp": timestamp})) == (400, "InvalidTimeStamp.Expired")


def test_a_nonce_is_accepted_once(send_v1: V1Client) -> None:
    assert send_v1(LIST, {"SignatureNonce": "once"})[0] == 200
    assert code(send_v1(LIST, {"SignatureNonce": "once"})) == (400, "SignatureNonceUsed")


def test_temporary_credentials_and_empty_parameters_are_accepted(emulator: ImsEmulator) -> None:
    send_v1 = V1Client(emulator.endpoint, "STS.key", "sts-secret")
    status, body = send_v1(LIST, {"SecurityToken": "sts-token", "SignatureType": "", "RegionId": "cn-shanghai"})
    assert status == 200, body


def test_a_bearer_token_is_accepted_without_a_signature() -> None:
    with ImsEmulator(bearer_tokens=["bearer"]) as emulator:
        parameters = {"SignatureType": "BEARERTOKEN", "BearerToken": "bearer", "AccessKeyId": None, "Signature": ""}
        status, body = V1Client(emulator.endpoint)(LIST, parameters)
        assert status == 200, body
        assert emulator.requests(LIST)[0]["access_key_id"] == "bearer"


def test_the_current_sdk_can_sign_with_v1(emulator: ImsEmulator, config: Callable[..., Config]) -> None:
    client = Client(config(emulator, signature_algorithm="v2"))
    request = models.SubmitAudioProduceJobRequest().from_map(GOOD_REQUESTS["SubmitAudioProduceJob"])
    assert client.submit_audio_produce_job(request).body.job_id
    assert emulator.requests()[0]["parameters"] == GOOD_REQUESTS["SubmitAudioProduceJob"]


@pytest.mark.parametrize("response_format", ["XML", "xml", None])
def test_xml_is_the_default_format(send_v1: V1Client, response_format: str | None) -> None:
    job_id = send_v1(IMAGES, GOOD_REQUESTS[IMAGES])[1]["JobId"]
    status, body = send_v1("GetAIImageJobs", {"JobIds": job_id, "Format": response_format})
    root = ElementTree.fromstring(body)
    assert (status, root.tag) == (200, "GetAIImageJobsResponse")
    assert [element.text for element in root.findall("AIImageJobList/JobId")] == [job_id]
    assert root.findtext("RequestId")


def test_an_error_is_also_xml(emulator: ImsEmulator, send_v1: V1Client) -> None:
    status, body = send_v1("SubmitNothing", {"Format": "XML"})
    root = ElementTree.fromstring(body)
    assert (status, root.tag) == (404, "Error")
    assert [element.tag for element in root] == ["RequestId", "HostId", "Code", "Message", "Recommend"]
    assert root.findtext("Code") == "InvalidAction.NotFound"
    assert root.findtext("RequestId") == emulator.requests()[-1]["request_id"]


def test_the_elements_of_a_list_have_the_name_of_the_list() -> None:
    content = {
        "AIJobList": {"AIJob": [{"JobId": "a"}, {"JobId": "b"}]},
        "Urls": ["one", "two"],
        "Nothing": None,
        "None": [],
        "Count": 2,
        "Done": True,
        "Text": 'a<b & "c"\x00\r\n蛋糕',
        "1 unusual/key": 1.5,
    }
    assert xml_body("ListAIJobResponse", content).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?><ListAIJobResponse>'
        "<AIJobList><AIJob><JobId>a</JobId></AIJob><AIJob><JobId>b</JobId></AIJob></AIJobList>"
        "<Urls>one</Urls><Urls>two</Urls><Count>2</Count><Done>true</Done>"
        '<Text>a&lt;b &amp; "c"?&#13;\n蛋糕</Text><_1_unusual_key>1.5</_1_unusual_key></ListAIJobResponse>'
    )


@pytest.mark.parametrize("content", [None, [], {}])
def test_an_empty_response_is_valid_xml(content: Any) -> None:
    assert ElementTree.fromstring(xml_body("AResponse", content)).tag == "AResponse"
