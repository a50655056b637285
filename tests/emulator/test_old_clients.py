"""The older Python client (``aliyun-python-sdk-core`` and ``-vod``), which signs with V1, runs jobs on the emulator."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from aliyunsdkcore.acs_exception.exceptions import ServerException
from aliyunsdkcore.auth.credentials import StsTokenCredential
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest
from aliyunsdkvod.request.v20170321.GetAIImageJobsRequest import GetAIImageJobsRequest
from aliyunsdkvod.request.v20170321.SubmitAIImageJobRequest import SubmitAIImageJobRequest
from support.job_runs import ICE, JOBS, JobCase, check_responses, emulator_with_slow_jobs
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator

Call = Callable[[str, str, dict[str, str]], Any]
"""Receives the version of the API, the action and its parameters; returns the response."""


@pytest.fixture(scope="module")
def service() -> Iterator[ImsEmulator]:
    with emulator_with_slow_jobs() as emulator:
        yield emulator


def run_job(call: Call, job: JobCase) -> Any:
    job_id = call(job.version, job.submit, job.parameters)["JobId"]
    deadline = time.monotonic() + CEILING
    while time.monotonic() < deadline:
        response = state = call(job.version, job.query, {job.idParameter: job_id})
        for key in job.state:
            state = state[key]
        if state in job.endStates:
            return response
        time.sleep(0.02)
    raise TimeoutError(job.submit)


def python_client(service: ImsEmulator, **credentials: Any) -> AcsClient:
    keys = credentials or {"ak": service.access_key_id, "secret": service.access_key_secret}
    return AcsClient(region_id="cn-shanghai", **keys)


def common_request(
    service: ImsEmulator, version: str, action: str, parameters: dict[str, str], *, in_body: bool
) -> CommonRequest:
    request = CommonRequest(domain=service.endpoint, version=version, action_name=action)
    request.set_method("POST")
    for name, value in parameters.items():
        (request.add_body_params if in_body else request.add_query_param)(name, value)
    return request


@pytest.mark.parametrize("in_body", [False, True], ids=["query", "form"])
def test_the_older_python_client_runs_the_jobs(service: ImsEmulator, in_body: bool) -> None:
    service.reset()
    client = python_client(service)

    def call(version: str, action: str, parameters: dict[str, str]) -> Any:
        request = common_request(service, version, action, parameters, in_body=in_body)
        return json.loads(client.do_action_with_exception(request))

    check_responses(service, [run_job(call, job) for job in JOBS])


def test_the_older_python_client_of_vod_runs_an_image_job(service: ImsEmulator) -> None:
    service.reset()
    client = python_client(service)

    def call(version: str, action: str, parameters: dict[str, str]) -> Any:
        request = {"SubmitAIImageJob": SubmitAIImageJobRequest, "GetAIImageJobs": GetAIImageJobsRequest}[action]()
        request.set_endpoint(service.endpoint)
        for name, value in parameters.items():
            getattr(request, f"set_{name}")(value)
        return json.loads(client.do_action_with_exception(request))

    response = run_job(call, JOBS[3])
    assert response["AIImageJobList"][0]["Status"] == "success"


def test_the_older_python_client_uses_temporary_credentials(service: ImsEmulator) -> None:
    client = python_client(service, credential=StsTokenCredential("STS.key", "sts-secret", "sts-token"))
    request = common_request(service, ICE, "ListSmartJobs", {}, in_body=False)
    assert json.loads(client.do_action_with_exception(request))["RequestId"]


def test_the_older_python_client_recognises_a_wrong_secret(service: ImsEmulator) -> None:
    # The client compares the server's string to sign with its own.
    request = GetAIImageJobsRequest()
    request.set_endpoint(service.endpoint)
    request.set_JobIds("a *~'()!蛋糕")
    with pytest.raises(ServerException) as caught:
        python_client(service, ak=service.access_key_id, secret="wrong").do_action_with_exception(request)
    assert caught.value.get_error_code() == "InvalidAccessKeySecret"
    assert caught.value.get_request_id() == service.requests("GetAIImageJobs")[-1]["request_id"]


def test_the_older_python_client_reports_an_action_that_is_not_emulated(service: ImsEmulator) -> None:
    with pytest.raises(ServerException, match="The emulator does not emulate DescribeMeterImsEditUsage of ICE"):
        python_client(service).do_action_with_exception(
            common_request(service, ICE, "DescribeMeterImsEditUsage", {"StartTs": "1"}, in_body=False)
        )
