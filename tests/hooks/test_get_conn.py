"""The product clients that ``get_conn`` returns."""

from __future__ import annotations

from collections.abc import Callable

from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_ice20201109.client import Client as IceClient
from alibabacloud_vod20170321 import models as vod_models
from alibabacloud_vod20170321.client import Client as VodClient

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook


def test_the_ims_client_submits_and_queries(ims: ImsHook, emulator: ImsEmulator, text_job: dict[str, str]) -> None:
    client = ims.get_conn()
    assert type(client) is IceClient
    submitted = client.submit_text_generate_job(
        ice_models.SubmitTextGenerateJobRequest(generate_config=text_job["GenerateConfig"])
    )
    queried = client.get_smart_handle_job(ice_models.GetSmartHandleJobRequest(job_id=submitted.body.job_id))
    assert queried.body.state == "Finished"
    assert [job["job_id"] for job in emulator.jobs()] == [submitted.body.job_id]


def test_the_vod_client_submits_and_queries(vod: VodHook, emulator: ImsEmulator) -> None:
    client = vod.get_conn()
    assert type(client) is VodClient
    submitted = client.submit_aiimage_job(vod_models.SubmitAIImageJobRequest(video_id="v", aitemplate_id="t"))
    queried = client.get_aiimage_jobs(vod_models.GetAIImageJobsRequest(job_ids=submitted.body.job_id))
    assert [job.status for job in queried.body.aiimage_job_list] == ["success"]


def test_the_client_has_the_endpoint_and_credentials_of_the_connection(connect: Callable[..., None]) -> None:
    connect(login="key", password="secret", security_token="token", region_id="ap-southeast-1", network="vpc")
    # The SDK's endpoint table does not contain all regions, and contains no VPC endpoints.
    for hook, endpoint in (
        (ImsHook(), "ice-vpc.ap-southeast-1.aliyuncs.com"),
        (VodHook(), "vod-vpc.ap-southeast-1.aliyuncs.com"),
    ):
        client = hook.get_conn()
        assert client._endpoint == endpoint
        credential = client._credential.get_credential()
        assert (credential.access_key_id, credential.access_key_secret) == ("key", "secret")
        assert credential.security_token == "token"
