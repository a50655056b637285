from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

# The SDK looks for the metadata service of a cloud machine as it is imported.
os.environ["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] = "true"

import pytest
from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_ice20201109.client import Client as IceClient
from alibabacloud_tea_openapi.models import Config
from alibabacloud_vod20170321 import models as vod_models
from alibabacloud_vod20170321.client import Client as VodClient
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator, StsCredential

VERSIONS = {"SubmitAIImageJob": "2017-03-21", "GetAIImageJobs": "2017-03-21", "ListAIImageInfo": "2017-03-21"}
STS = StsCredential("STS.key", "sts-secret", "sts-token")
STS_EXPIRED = StsCredential("STS.old", "old-secret", "old-token", expires=1.0)

# One good request of each kind of job.
REQUESTS: dict[str, dict[str, str]] = {
    "SubmitTextGenerateJob": {
        "Type": "MarketingCopy",
        "GenerateConfig": '{"keywords":"new cake shop, real cream","textLength":100,"targetCount":3}',
    },
    "SubmitAudioProduceJob": {
        "EditingConfig": '{"voice":"Siqi","format":"MP3","volume":50}',
        "OutputConfig": '{"bucket":"your-bucket","object":"your-audio"}',
        "InputConfig": "Talking about it, he is now popular. Tickets are expensive!",
    },
    "SubmitBatchMediaProducingJob": {
        "InputConfig": '{"MediaGroupArray":[{"GroupName":"one","MediaArray":["m1","m2"]}]}',
        "OutputConfig": '{"MediaURL":"http://b.oss-cn-shanghai.aliyuncs.com/v_{index}.mp4","Count":3,"MaxDuration":15}',
    },
    "SubmitAIImageJob": {"VideoId": "video-1", "AITemplateId": "template-1"},
}


class Wire:
    """Signs and sends requests by hand, after the description of the signature and not with the SDK."""

    def __init__(self, emulator: ImsEmulator) -> None:
        self.emulator = emulator

    def __call__(
        self,
        action: str,
        parameters: dict[str, str] | None = None,
        *,
        form: dict[str, str] | None = None,
        method: str = "POST",
        path: str = "/",
        version: str | None = None,
        key_id: str | None = None,
        secret: str | None = None,
        token: str | None = None,
        headers: dict[str, str | None] | None = None,
        unsigned: tuple[str, ...] = (),
        body: bytes | None = None,
        signature: str | None = None,
    ) -> tuple[int, Any]:
        """Return status and body; ``headers`` are set before the signature, a value of None leaves one out."""
        sent = urlencode(form).encode() if form else b""
        whole: dict[str, str | None] = {
            "host": self.emulator.endpoint,
            "x-acs-action": action,
            "x-acs-version": version or VERSIONS.get(action, "2020-11-09"),
            "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": hashlib.sha256(sent).hexdigest(),
            **({"content-type": "application/x-www-form-urlencoded"} if form else {}),
            **({"x-acs-security-token": token, "x-acs-accesskey-id": key_id} if token else {}),
            **(headers or {}),
        }
        present = {name: value for name, value in whole.items() if value is not None}
        signed = sorted(name for name in present if name not in unsigned)
        query = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted((parameters or {}).items()))
        canonical = "\n".join(
            [
                method,
                path,
                query,
                "".join(f"{name}:{present[name]}\n" for name in signed),
                ";".join(signed),
                present.get("x-acs-content-sha256", ""),
            ]
        )
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = (secret or self.emulator.access_key_secret).encode()
        made = signature or hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        present.setdefault(
            "authorization",
            f"ACS3-HMAC-SHA256 Credential={key_id or self.emulator.access_key_id},"
            f"SignedHeaders={';'.join(signed)},Signature={made}",
        )
        host, port = self.emulator.endpoint.split(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=CEILING)
        try:
            connection.request(method, f"{path}?{query}", body=sent if body is None else body, headers=present)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        is_json = response.getheader("content-type", "").startswith("application/json")
        return response.status, json.loads(content) if is_json else content


@pytest.fixture(scope="module")
def running_emulator() -> Iterator[ImsEmulator]:
    with ImsEmulator(clock="manual", sts_tokens=[STS, STS_EXPIRED]) as emulator:
        yield emulator


@pytest.fixture
def emulator(running_emulator: ImsEmulator) -> ImsEmulator:
    running_emulator.reset()
    return running_emulator


@pytest.fixture
def wire(emulator: ImsEmulator) -> Wire:
    return Wire(emulator)


@pytest.fixture
def submit(wire: Wire) -> Callable[..., str]:
    """Submit a good request, with some parameters changed, and return the job id."""

    def send(action: str, **changes: str) -> str:
        status, body = wire(action, {**REQUESTS[action], **changes})
        assert status == 200, body
        return str(body["JobId"])

    return send


@pytest.fixture
def ask(wire: Wire) -> Callable[..., Any]:
    """Send a query that must succeed and return its body."""

    def send(action: str, **parameters: str) -> Any:
        status, body = wire(action, parameters)
        assert status == 200, body
        return body

    return send


def sdk_config(emulator: ImsEmulator, **changes: Any) -> Config:
    return Config(
        **{
            "access_key_id": emulator.access_key_id,
            "access_key_secret": emulator.access_key_secret,
            "endpoint": emulator.endpoint,
            "protocol": "http",
            **changes,
        }
    )


@pytest.fixture
def config() -> Callable[..., Config]:
    return sdk_config


@pytest.fixture
def ice(emulator: ImsEmulator) -> IceClient:
    return IceClient(sdk_config(emulator))


@pytest.fixture
def vod(emulator: ImsEmulator) -> VodClient:
    return VodClient(sdk_config(emulator))


@pytest.fixture
def sdk(ice: IceClient, vod: VodClient) -> Callable[..., Any]:
    """Call an action with the product client that has it, and return the response body model."""
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


@pytest.fixture(scope="session")
def good_requests() -> dict[str, dict[str, str]]:
    return REQUESTS


@pytest.fixture(scope="session")
def wire_class() -> type[Wire]:
    return Wire
