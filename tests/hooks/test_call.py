from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from airflow.exceptions import AirflowNotFoundException
from alibabacloud_ice20201109.models import GetSmartHandleJobRequest

import airflow_provider_ims
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsError, ImsRequestError, ImsUnavailableError
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook


def test_the_response_is_returned_unchanged(ims: ImsHook, emulator: ImsEmulator, text_job: dict[str, str]) -> None:
    submitted = ims.call("SubmitTextGenerateJob", text_job)
    queried = ims.call("GetSmartHandleJob", {"JobId": submitted["JobId"]})
    assert queried["State"] == "Finished"
    assert json.loads(queried["JobResult"]["AiResult"])
    assert [submitted["RequestId"], queried["RequestId"]] == [sent["request_id"] for sent in emulator.requests()]


def test_both_hooks_share_the_connection(ims: ImsHook, vod: VodHook, emulator: ImsEmulator) -> None:
    ims.call("ListSmartJobs", {})
    vod.call("GetAIImageJobs", {"JobIds": "a,b"})
    assert [(sent["version"], sent["status"]) for sent in emulator.requests()] == [
        ("2020-11-09", 200),
        ("2017-03-21", 200),
    ]


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ("text", "text"),
        ("", ""),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        (1.5, "1.5"),
        (None, None),
        ({"a": [1, "新"]}, '{"a":[1,"新"]}'),
        (["a", None], '["a",null]'),
    ],
)
def test_values_are_encoded_as_text(wire: Any, value: Any, sent: str | None) -> None:
    wire.answer("{}")
    ImsHook().call("SubmitTextGenerateJob", {"Value": value})
    assert wire.received[0].query.get("Value") == sent


@pytest.mark.parametrize("value", [{"a": float("nan")}, {"a": {1, 2}}], ids=["NaN", "set"])
def test_the_error_for_a_value_that_json_cannot_represent_names_the_parameter(wire: Any, value: Any) -> None:
    with pytest.raises(ImsRequestError, match=r"^Value cannot be encoded as JSON: .* SubmitTextGenerateJob"):
        ImsHook().call("SubmitTextGenerateJob", {"Value": value})
    assert wire.received == []


def test_the_user_agent_contains_the_versions_of_the_provider_and_of_airflow(wire: Any) -> None:
    wire.answer("{}")
    ImsHook().call("ListSmartJobs", {})
    agent = wire.received[0].headers["user-agent"]
    assert f"airflow-provider-ims/{airflow_provider_ims.__version__}" in agent
    assert f"apache-airflow/{version('apache-airflow-core')}" in agent


def test_a_request_is_signed_and_contains_no_secret(wire: Any) -> None:
    wire.answer("{}")
    ImsHook().call("SubmitTextGenerateJob", {"Title": "新店"})
    (sent,) = wire.received
    assert sent.headers["authorization"].startswith("ACS3-HMAC-SHA256 Credential=key,SignedHeaders=")
    assert "wire-secret" not in str(sent)


@pytest.mark.parametrize("body", ["[]", '"text"', "null", "7", "", "<html></html>", '{"half":', b"\xff\xfe"])
def test_a_response_that_is_not_a_json_object_raises_unavailable(wire: Any, body: bytes | str) -> None:
    wire.answer(body)
    with pytest.raises(ImsUnavailableError, match="Unexpected response format") as failed:
        ImsHook().call("SubmitTextGenerateJob", {})
    assert failed.value.action == "SubmitTextGenerateJob"
    assert failed.value.accepted is None
    assert len(wire.received) == 1


def test_the_connection_is_read_once_at_the_first_call(emulator: ImsEmulator, connect: Callable[..., None]) -> None:
    connect(login="nobody", password="wrong")
    hook = ImsHook()
    connect(emulator)
    hook.call("ListSmartJobs", {})
    connect(login="nobody", password="wrong")
    hook.call("ListSmartJobs", {})
    assert hook.client is hook.client


def test_the_region_of_the_hook_overrides_the_region_of_the_connection(connect: Callable[..., None]) -> None:
    connect(login="key", password="secret", region_id="cn-beijing")
    assert ImsHook().client._endpoint == "ice.cn-beijing.aliyuncs.com"
    assert ImsHook(region_id="cn-shanghai").client._endpoint == "ice.cn-shanghai.aliyuncs.com"
    assert VodHook(region_id="cn-shanghai").client._endpoint == "vod.cn-shanghai.aliyuncs.com"


def test_the_region_of_the_hook_is_sent_to_an_endpoint_without_a_region(
    emulator: ImsEmulator, connect: Callable[..., None], text_job: dict[str, str]
) -> None:
    for region in (None, "cn-beijing"):
        job_id = ImsHook(region_id=region).call("SubmitTextGenerateJob", text_job)["JobId"]
        job = ImsHook(region_id=region).get_conn().get_smart_handle_job(GetSmartHandleJobRequest(job_id=job_id))
        assert job.body.job_id == job_id
    assert [job["region"] for job in emulator.jobs()] == ["cn-shanghai", "cn-beijing"]


def test_no_region_is_sent_to_an_endpoint_of_the_service(connect: Callable[..., None]) -> None:
    connect(login="key", password="secret", region_id="cn-beijing", ims_endpoint="ice-vpc.cn-beijing.aliyuncs.com:443")
    assert ImsHook().client._global_parameters is None
    assert VodHook().client._global_parameters is None


def test_without_a_region_nothing_is_sent(connect: Callable[..., None]) -> None:
    connect(login="key", password="secret")
    with pytest.raises(ImsRequestError, match="No region"):
        ImsHook().call("ListSmartJobs", {})


def test_a_missing_connection_raises_airflows_error() -> None:
    with pytest.raises(AirflowNotFoundException, match="ims_default"):
        ImsHook().call("ListSmartJobs", {})


def test_the_client_has_the_settings_of_the_connection(connect: Callable[..., None], tmp_path: Path) -> None:
    ca = tmp_path / "ca.pem"
    ca.touch()
    connect(
        login="key",
        password="secret",
        region_id="cn-shanghai",
        connect_timeout="0.5",
        read_timeout="0.0001",
        https_proxy="http://proxy:3128",
        ca=str(ca),
    )
    client = ImsHook().client
    assert client._protocol == "https"
    assert client._connect_timeout == 500
    # A fraction of a millisecond must not become 0, which the SDK replaces with its default.
    assert client._read_timeout == 1
    assert client._https_proxy == "http://proxy:3128"
    assert client._ca == str(ca)


def test_a_missing_ca_file_is_rejected_before_a_request_is_sent(connect: Callable[..., None]) -> None:
    connect(login="key", password="secret", region_id="cn-shanghai", ca="/nowhere/ca.pem")
    with pytest.raises(ImsRequestError, match="nowhere") as caught:
        ImsHook().connect()
    assert caught.value.field == "ca"


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ({"security_token": "to\nken"}, "line break"),
        ({"security_token": "令牌"}, "characters that are not allowed"),
        ({"https_proxy": "http://[", "protocol": "https"}, "https_proxy"),
    ],
)
def test_a_value_that_cannot_be_sent_is_reported_with_its_field(
    emulator: ImsEmulator, connect: Callable[..., None], extra: dict[str, str], expected: str
) -> None:
    connect(emulator, **extra)
    with pytest.raises(ImsRequestError, match=expected):
        ImsHook().call("SubmitTextGenerateJob", {})


def test_an_unknown_action_is_rejected_by_the_service(ims: ImsHook) -> None:
    with pytest.raises(ImsError) as caught:
        ims.call("SubmitNothing", {})
    assert caught.value.code == "InvalidAction.NotFound"
    assert type(caught.value) is ImsRequestError


@pytest.mark.parametrize(
    ("hook", "action", "hint"),
    [
        (ImsHook, "ListSmartJob", "Did you mean ListSmartJobs"),
        (ImsHook, "RegisterMedia", "RegisterMedia is an action of vod, not of ice"),
        (VodHook, "listaiimageinfo", "Did you mean ListAIImageInfo"),
    ],
)
def test_an_unknown_action_is_sent_and_the_error_suggests_similar_names(
    emulator: ImsEmulator, hook: type[Any], action: str, hint: str
) -> None:
    with pytest.raises(ImsRequestError, match="Specified api is not found") as caught:
        hook().call(action, {})
    assert hint in caught.value.message
    assert len(emulator.requests(action)) == 1


def test_the_items_of_a_repeated_parameter_are_sent_one_by_one(wire: Any) -> None:
    wire.answer("{}")
    ImsHook().call("DeleteLiveRecordFiles", {"RecordIds": ["a", 7, None], "RemoveFile": True})
    VodHook().call("DescribeVodUserDomains", {"Tag": [{"Key": "k", "Value": "新"}]})
    ImsHook().call("ListLiveRecordFiles", {"JobIds": None})
    assert [{name: value for name, value in sent.query.items() if name != "RegionId"} for sent in wire.received] == [
        {"RecordIds.1": "a", "RecordIds.2": "7", "RemoveFile": "true"},
        {"Tag.1.Key": "k", "Tag.1.Value": "新"},
        {},
    ]


def test_an_anonymous_action_is_sent_without_a_signature(wire: Any) -> None:
    wire.answer("{}")
    ImsHook().call("ListAllPublicMediaTags", {"BusinessType": "sticker"})
    assert "authorization" not in wire.received[0].headers
    assert wire.received[0].headers["x-acs-action"] == "ListAllPublicMediaTags"
