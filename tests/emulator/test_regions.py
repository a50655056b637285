"""A job belongs to the region in which it was submitted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_ice20201109.client import Client as IceClient
from alibabacloud_tea_openapi.utils_models import GlobalParameters
from support.emulated import GOOD_REQUESTS, SignedClient
from support.submits import SUBMITS, encoded

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.regions import AI_IMAGE_ACTIONS

TEXT, AUDIO, BATCH, IMAGE = GOOD_REQUESTS
HERE, THERE = {"RegionId": "cn-shanghai"}, {"RegionId": "cn-beijing"}


def test_a_job_is_unknown_in_other_regions(send: SignedClient) -> None:
    job = {"JobId": send(TEXT, {**GOOD_REQUESTS[TEXT], **THERE})[1]["JobId"]}
    assert send("GetSmartHandleJob", {**job, **THERE})[0] == 200
    for region in (HERE, {}):
        status, body = send("GetSmartHandleJob", {**job, **region})
        assert (status, body["Code"]) == (404, "ResourceNotFound")


def test_a_listing_shows_the_jobs_of_its_region(emulator: ImsEmulator, send: SignedClient) -> None:
    ids = [send(AUDIO, {**GOOD_REQUESTS[AUDIO], **region})[1]["JobId"] for region in (HERE, THERE)]
    for region, job_id in zip((HERE, THERE), ids, strict=True):
        body = send("ListSmartJobs", region, method="GET")[1]
        assert [job["JobId"] for job in body["SmartJobList"]] == [job_id]
    assert [(job["job_id"], job["region"]) for job in emulator.jobs()] == [
        (ids[0], "cn-shanghai"),
        (ids[1], "cn-beijing"),
    ]
    assert [request["region"] for request in emulator.requests(AUDIO)] == ["cn-shanghai", "cn-beijing"]


def test_a_job_is_cancelled_only_in_its_region(emulator: ImsEmulator, send: SignedClient) -> None:
    submit = encoded(SUBMITS["ice", "SubmitIProductionJob"])
    job = {"JobId": send("SubmitIProductionJob", {**submit, **THERE})[1]["JobId"]}
    assert send("CancelIProductionJob", {**job, **HERE})[0] in (400, 404)
    assert emulator.jobs()[0]["error_code"] is None
    assert send("CancelIProductionJob", {**job, **THERE})[0] == 200
    assert emulator.jobs()[0]["error_code"] == "Cancelled"


def test_each_region_and_action_has_its_own_client_tokens(send: SignedClient) -> None:
    batch = {**GOOD_REQUESTS[BATCH], "ClientToken": "token"}
    producing = {**encoded(SUBMITS["ice", "SubmitMediaProducingJob"]), "ClientToken": "token"}
    requests = [(BATCH, {**batch, **HERE}), (BATCH, {**batch, **THERE}), ("SubmitMediaProducingJob", producing)]
    first = [send(*request)[1]["JobId"] for request in requests]
    assert len(set(first)) == 3
    assert [send(*request)[1]["JobId"] for request in requests] == first


def test_each_region_has_its_own_session_ids(send: SignedClient) -> None:
    submit = {**encoded(SUBMITS["vod", "SubmitTranscodeJobs"]), "SessionId": "session"}
    responses = [
        send("SubmitTranscodeJobs", {**submit, **region}, version="2017-03-21") for region in (HERE, THERE, HERE)
    ]
    assert [status for status, _ in responses] == [200, 200, 400]


def test_images_belong_to_a_region(emulator: ImsEmulator, send: SignedClient) -> None:
    job_id = send(IMAGE, {**GOOD_REQUESTS[IMAGE], **THERE})[1]["JobId"]
    emulator.finish(job_id)
    counts = {}
    for region in (HERE, THERE):
        jobs = send("GetAIImageJobs", {"JobIds": job_id, **region})[1]["AIImageJobList"]
        infos = send("ListAIImageInfo", {"VideoId": "video-1", **region})[1]["AIImageInfoList"]
        counts[region["RegionId"]] = (len(jobs), bool(infos))
    assert counts == {"cn-shanghai": (0, False), "cn-beijing": (1, True)}


def test_each_region_has_its_own_callback(emulator: ImsEmulator, send: SignedClient) -> None:
    earlier, later = [], []
    for jobs in (earlier, later):
        for region in (HERE, THERE):
            jobs.append(send(TEXT, {**GOOD_REQUESTS[TEXT], **region})[1]["JobId"])
        if jobs is earlier:
            callback = {"CallbackURL": "http://127.0.0.1:9/", "EventTypeList": "ALL"}
            assert send("SetEventCallback", {**callback, **THERE})[0] == 200
    assert [notification["job_id"] for notification in emulator.callbacks()] == [earlier[1], later[1]]
    assert "CallbackURL" not in send("GetEventCallback", HERE)[1]
    assert send("GetEventCallback", THERE)[1]["CallbackURL"] == "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("ice.cn-beijing.aliyuncs.com", "cn-beijing"),
        ("ice-vpc.ap-southeast-1.aliyuncs.com:443", "ap-southeast-1"),
        ("cn-hangzhou.localhost:8020", "cn-hangzhou"),
        ("ice.aliyuncs.com", "cn-shanghai"),
        ("localhost:8020", "cn-shanghai"),
    ],
)
def test_the_host_of_a_request_determines_its_region(
    emulator: ImsEmulator, send: SignedClient, host: str, region: str
) -> None:
    assert send(TEXT, GOOD_REQUESTS[TEXT], headers={"host": host})[0] == 200
    assert emulator.jobs()[0]["region"] == region


def test_the_region_of_the_endpoint_overrides_the_parameter(emulator: ImsEmulator, send: SignedClient) -> None:
    send(TEXT, {**GOOD_REQUESTS[TEXT], **HERE}, headers={"host": "ice.cn-beijing.aliyuncs.com"})
    assert emulator.jobs()[0]["region"] == "cn-beijing"


@pytest.mark.parametrize("host", [None, "ice.cn-moon.aliyuncs.com", "ice.cn-beijing.aliyuncs.com"])
def test_an_unknown_region_is_rejected(emulator: ImsEmulator, send: SignedClient, host: str | None) -> None:
    named = {} if host and "moon" in host else {"RegionId": "cn-moon"}
    status, body = send(TEXT, {**GOOD_REQUESTS[TEXT], **named}, headers={"host": host} if host else None)
    assert (status, body["Code"]) == (400, "InvalidParameter")
    assert '"RegionId"' in body["Message"]
    assert "cn-beijing, cn-hangzhou" in body["Message"]
    assert emulator.jobs() == []


@pytest.mark.parametrize("action", sorted(AI_IMAGE_ACTIONS))
def test_image_jobs_are_rejected_in_regions_that_do_not_support_them(send: SignedClient, action: str) -> None:
    parameters = {**GOOD_REQUESTS[IMAGE], "JobIds": "any"}
    status, body = send(action, {**parameters, "RegionId": "cn-shenzhen"})
    assert (status, body["Code"]) == (400, "InvalidParameter")
    assert f"{action} is available only in cn-beijing and cn-shanghai" in body["Message"]
    assert send(action, {**parameters, **THERE})[0] == 200


def test_addresses_contain_the_region_of_the_job(emulator: ImsEmulator, send: SignedClient) -> None:
    for region in (HERE, THERE):
        job_id = send(IMAGE, {**GOOD_REQUESTS[IMAGE], **region})[1]["JobId"]
        (image, *_) = emulator.finish(job_id)["result"]
        assert f".oss-{region['RegionId']}.aliyuncs.com/" in image["Url"]


def test_jobs_are_added_to_a_region(emulator: ImsEmulator) -> None:
    emulator.add_jobs(TEXT, GOOD_REQUESTS[TEXT], [1])
    emulator.add_jobs(TEXT, GOOD_REQUESTS[TEXT], [1], region="us-west-1")
    assert [job["region"] for job in emulator.jobs()] == ["cn-shanghai", "us-west-1"]
    with pytest.raises(ValueError, match="region must be one of"):
        emulator.add_jobs(TEXT, GOOD_REQUESTS[TEXT], [1], region="cn-moon")


def test_a_product_client_without_a_region_uses_the_default_region(config: Callable[..., Any]) -> None:
    with ImsEmulator(region_id="cn-hangzhou") as emulator:
        IceClient(config(emulator)).submit_text_generate_job(_text_request())
        IceClient(config(emulator, region_id="cn-shanghai")).submit_text_generate_job(_text_request())
        named = config(emulator, global_parameters=GlobalParameters(queries=THERE))
        IceClient(named).submit_text_generate_job(_text_request())
        regions = [job["region"] for job in emulator.jobs()]
    # With an endpoint, the client does not send its region_id.
    assert regions == ["cn-hangzhou", "cn-hangzhou", "cn-beijing"]


def test_the_default_region_must_exist() -> None:
    with pytest.raises(ValueError, match="'cn-moon' is not a region"):
        ImsEmulator(region_id="cn-moon")


def _text_request() -> Any:
    return ice_models.SubmitTextGenerateJobRequest().from_map(GOOD_REQUESTS[TEXT])
