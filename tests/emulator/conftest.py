from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

# The SDK reads this variable at import. Otherwise, it connects to the ECS metadata service.
os.environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"

import pytest
from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_ice20201109.client import Client as IceClient
from alibabacloud_tea_openapi.models import Config
from alibabacloud_vod20170321 import models as vod_models
from alibabacloud_vod20170321.client import Client as VodClient
from support.emulated import GOOD_REQUESTS, SignedClient
from support.receiver import Receiver, receiving
from support.submits import SUBMITS, encoded

from airflow_provider_ims.emulator import ImsEmulator, StsCredential
from airflow_provider_ims.emulator.api.model import VOD
from airflow_provider_ims.emulator.api.table import JOB_KINDS

# The report of a test run lists the tests that are not collected.
collect_ignore = [] if shutil.which("npm") else ["test_node_clients.py"]

STS = StsCredential("STS.key", "sts-secret", "sts-token")
STS_EXPIRED = StsCredential("STS.old", "old-secret", "old-token", expires=1.0)


@pytest.fixture(scope="module")
def running_emulator() -> Iterator[ImsEmulator]:
    with ImsEmulator(clock="manual", sts_tokens=[STS, STS_EXPIRED]) as emulator:
        yield emulator


@pytest.fixture
def emulator(running_emulator: ImsEmulator) -> ImsEmulator:
    running_emulator.reset()
    return running_emulator


@pytest.fixture
def send(emulator: ImsEmulator) -> SignedClient:
    """Return a client that sends signed requests, and returns the status and the body of each response."""
    return SignedClient.of(emulator)


@pytest.fixture
def submit(send: SignedClient) -> Callable[..., str]:
    """Return a function that submits a valid request with changed parameters and returns the job id."""

    def submit(action: str, **changes: str) -> str:
        status, body = send(action, {**GOOD_REQUESTS[action], **changes})
        assert status == 200, body
        return str(body["JobId"])

    return submit


@pytest.fixture
def query(send: SignedClient) -> Callable[..., Any]:
    """Return a function that sends a query, which must succeed, and returns the body of the response."""

    def query(action: str, **parameters: str) -> Any:
        status, body = send(action, parameters)
        assert status == 200, body
        return body

    return query


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def call(send: SignedClient) -> Callable[..., Any]:
    """Return a function that calls an action of either product and returns the body of its successful response."""

    def call(action: str, parameters: dict[str, str] | None = None) -> Any:
        kind = JOB_KINDS.get(action)
        is_vod = kind.family.product is VOD if kind else "Message" in action
        status, body = send(action, parameters, version="2017-03-21" if is_vod else "2020-11-09")
        assert status == 200, body
        return body

    return call


@pytest.fixture
def start(call: Callable[..., Any]) -> Callable[..., str]:
    """Return a function that submits a job with UserData and returns its id."""

    def start(action: str, user_data: Any = None, **changes: str) -> str:
        product = JOB_KINDS[action].family.product
        parameters = {**encoded(SUBMITS[product.ram_code, JOB_KINDS[action].submit]), **changes}
        if user_data is not None:
            parameters["UserData"] = json.dumps(user_data)
        return str(call(action, parameters)[JOB_KINDS[action].job_id_at])

    return start


@pytest.fixture
def config() -> Callable[..., Config]:
    """Return a function that creates the configuration of a product client."""

    def config(emulator: ImsEmulator, **changes: Any) -> Config:
        options: dict[str, Any] = {
            "access_key_id": emulator.access_key_id,
            "access_key_secret": emulator.access_key_secret,
            "endpoint": emulator.endpoint,
            "protocol": "http",
            **changes,
        }
        return Config(**options)

    return config


@pytest.fixture
def ice(emulator: ImsEmulator, config: Callable[..., Config]) -> IceClient:
    return IceClient(config(emulator))


@pytest.fixture
def vod(emulator: ImsEmulator, config: Callable[..., Config]) -> VodClient:
    return VodClient(config(emulator))


@pytest.fixture
def sdk(ice: IceClient, vod: VodClient) -> Callable[..., Any]:
    """Return a function that calls an action with its product client and returns the model of the response body."""
    calls: dict[str, tuple[Callable[[Any], Any], Any]] = {
        "SubmitTextGenerateJob": (ice.submit_text_generate_job, ice_models.SubmitTextGenerateJobRequest),
        "SubmitAudioProduceJob": (ice.submit_audio_produce_job, ice_models.SubmitAudioProduceJobRequest),
        "SubmitBatchMediaProducingJob": (
            ice.submit_batch_media_producing_job,
            ice_models.SubmitBatchMediaProducingJobRequest,
        ),
        "GetSmartHandleJob": (ice.get_smart_handle_job, ice_models.GetSmartHandleJobRequest),
        "ListSmartJobs": (ice.list_smart_jobs, ice_models.ListSmartJobsRequest),
        "GetBatchMediaProducingJob": (
            ice.get_batch_media_producing_job,
            ice_models.GetBatchMediaProducingJobRequest,
        ),
        "ListBatchMediaProducingJobs": (
            ice.list_batch_media_producing_jobs,
            ice_models.ListBatchMediaProducingJobsRequest,
        ),
        "SubmitAIImageJob": (vod.submit_aiimage_job, vod_models.SubmitAIImageJobRequest),
        "GetAIImageJobs": (vod.get_aiimage_jobs, vod_models.GetAIImageJobsRequest),
        "ListAIImageInfo": (vod.list_aiimage_info, vod_models.ListAIImageInfoRequest),
    }

    def call(action: str, parameters: dict[str, Any] | None = None, **more: Any) -> Any:
        method, request = calls[action]
        return method(request().from_map({**(parameters or {}), **more})).body

    return call
