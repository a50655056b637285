from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from alibabacloud_ice20201109 import models
from alibabacloud_ice20201109.client import Client
from alibabacloud_tea_openapi.exceptions import ClientException
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_ims.emulator.errors import ApiError
from airflow_provider_ims.emulator.signature import CLOCK_SKEW, Verifier, string_to_sign
from airflow_provider_ims.emulator.wire import Call

LIST = "ListSmartJobs"


def date(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def code(answer):
    return answer[0], answer[1]["Code"]


def test_a_signature_made_by_hand_passes(wire):
    status, body = wire(LIST, {"MaxResults": "5", "SortBy": "CreationTime:Asc"}, method="GET")
    assert status == 200, body


def test_the_string_to_sign_is_that_worked_out_with_openssl():
    headers = {"host": "ice.cn-shanghai.aliyuncs.com", "x-acs-action": "ListSmartJobs"}
    call = Call("GET", "/", headers, [("b", "x y*~"), ("a", "蛋糕")], [], b"")
    digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert string_to_sign(call, ["x-acs-action", "host"], digest) == (
        "ACS3-HMAC-SHA256\n658dbbf6c1f2a7c95ff74be098d1436dd3084fb7acdd6b44e0764cef0fe59a21"
    )


def test_a_wrong_secret_is_refused_and_the_string_to_sign_told(wire):
    status, body = wire(LIST, secret="wrong")
    assert (status, body["Code"]) == (400, "SignatureDoesNotMatch")
    assert "ACS3-HMAC-SHA256" in body["Message"]


def test_an_unknown_key_is_not_found(wire):
    assert code(wire(LIST, key_id="LTAI-other")) == (404, "InvalidAccessKeyId.NotFound")


@pytest.mark.parametrize("seconds", [-CLOCK_SKEW - 5, CLOCK_SKEW + 5])
def test_a_date_over_fifteen_minutes_off_is_refused(wire, seconds):
    assert code(wire(LIST, headers={"x-acs-date": date(seconds)})) == (400, "InvalidTimeStamp.Expired")


@pytest.mark.parametrize("seconds", [-CLOCK_SKEW + 60, CLOCK_SKEW - 60])
def test_a_date_less_than_fifteen_minutes_off_passes(wire, seconds):
    assert wire(LIST, headers={"x-acs-date": date(seconds)})[0] == 200


def test_the_date_is_held_against_real_time_and_not_the_job_clock(emulator, wire):
    emulator.advance(10 * CLOCK_SKEW)
    assert wire(LIST)[0] == 200


def test_a_date_in_another_format_is_refused(wire):
    assert code(wire(LIST, headers={"x-acs-date": "yesterday"})) == (400, "InvalidTimeStamp.Format")


def test_a_nonce_serves_once(wire):
    nonce = {"x-acs-signature-nonce": uuid.uuid4().hex}
    assert wire(LIST, headers=nonce)[0] == 200
    assert code(wire(LIST, headers=nonce)) == (400, "SignatureNonceUsed")


def test_a_refused_request_does_not_use_up_its_nonce(wire):
    nonce = {"x-acs-signature-nonce": uuid.uuid4().hex}
    assert wire(LIST, headers=nonce, secret="wrong")[0] == 400
    assert wire(LIST, headers=nonce)[0] == 200


@pytest.mark.parametrize(
    "header", ["x-acs-date", "x-acs-signature-nonce", "x-acs-content-sha256", "x-acs-action", "x-acs-version"]
)
def test_a_header_that_is_missing_is_named(wire, header):
    status, body = wire(LIST, headers={header: None})
    assert (status, body["Code"]) == (400, "MissingParameter")
    assert header in body["Message"]


def test_a_request_without_authorization_is_refused(wire):
    status, body = wire(LIST, headers={"authorization": ""})
    assert (status, body["Code"]) == (400, "MissingParameter")
    assert "Authorization" in body["Message"]


@pytest.mark.parametrize(
    "text", ["Basic abc", "ACS3-HMAC-SHA256 Credential=a", "ACS3-HMAC-SM3 Credential=a,SignedHeaders=b,Signature=c"]
)
def test_an_authorization_of_another_form_is_refused(wire, text):
    assert code(wire(LIST, headers={"authorization": text})) == (400, "IncompleteSignature")


@pytest.mark.parametrize("header", ["host", "x-acs-action", "x-acs-date"])
def test_what_must_be_signed_and_is_not_is_refused(wire, header):
    status, body = wire(LIST, unsigned=(header,))
    assert (status, body["Code"]) == (400, "IncompleteSignature")
    assert header in body["Message"]


def test_a_signed_header_that_did_not_come_is_refused(wire):
    authorization = (
        f"ACS3-HMAC-SHA256 Credential={wire.emulator.access_key_id},SignedHeaders=host;x-acs-action;"
        "x-acs-content-sha256;x-acs-date;x-acs-lost;x-acs-signature-nonce;x-acs-version,Signature=00"
    )
    status, body = wire(LIST, headers={"authorization": authorization})
    assert (status, body["Code"]) == (400, "IncompleteSignature")
    assert "x-acs-lost" in body["Message"]


def test_a_body_other_than_the_signed_one_is_refused(wire):
    answer = wire("SubmitAIImageJob", form={"VideoId": "v", "AITemplateId": "t"}, body=b"VideoId=w&AITemplateId=t")
    assert code(answer) == (400, "SignatureDoesNotMatch")


def test_an_sts_credential_passes(wire):
    assert wire(LIST, key_id="STS.key", secret="sts-secret", token="sts-token")[0] == 200


@pytest.mark.parametrize(
    ("key_id", "secret", "token", "expected"),
    [
        ("STS.key", "sts-secret", None, (404, "InvalidAccessKeyId.NotFound")),
        ("STS.none", "sts-secret", "sts-token", (404, "InvalidAccessKeyId.NotFound")),
        ("STS.key", "sts-secret", "garbage", (400, "InvalidSecurityToken.Malformed")),
        ("STS.key", "sts-secret", "old-token", (400, "InvalidSecurityToken.MismatchWithAccessKey")),
        ("STS.old", "old-secret", "old-token", (400, "InvalidSecurityToken.Expired")),
        ("STS.key", "wrong", "sts-token", (400, "SignatureDoesNotMatch")),
    ],
)
def test_a_bad_sts_credential_is_refused_with_its_own_code(wire, key_id, secret, token, expected):
    assert code(wire(LIST, key_id=key_id, secret=secret, token=token)) == expected


def test_the_token_must_be_signed(wire):
    answer = wire(LIST, key_id="STS.key", secret="sts-secret", token="sts-token", unsigned=("x-acs-security-token",))
    assert code(answer) == (400, "IncompleteSignature")


def test_the_sdk_signs_with_sts_as_the_emulator_expects(emulator, config):
    client = Client(
        config(emulator, access_key_id="STS.key", access_key_secret="sts-secret", security_token="sts-token")
    )
    assert client.list_smart_jobs(models.ListSmartJobsRequest()).body.request_id


def test_the_sdk_reports_a_wrong_secret_as_a_client_exception(emulator, config):
    client = Client(config(emulator, access_key_secret="wrong"))
    with pytest.raises(ClientException) as caught:
        client.list_smart_jobs(models.ListSmartJobsRequest())
    assert caught.value.code == "SignatureDoesNotMatch"


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=40))
def test_the_sdk_and_the_emulator_agree_on_the_encoding_of_any_text(sdk, text):
    body = sdk("ListBatchMediaProducingJobs", JobType=text)
    assert body.editing_batch_job_list == []


def test_nonces_are_forgotten_once_their_date_would_be_refused():
    now = [1_000_000.0]
    verifier = Verifier({"id": "secret"}, now=lambda: now[0])
    nonce = ("id", "nonce")
    verifier._use_nonce(nonce)
    with pytest.raises(ApiError, match="SignatureNonceUsed"):
        verifier._use_nonce(nonce)
    now[0] += 2 * CLOCK_SKEW + 1
    verifier._use_nonce(nonce)
    assert len(verifier._nonces) == len(verifier._nonce_ages) == 1
