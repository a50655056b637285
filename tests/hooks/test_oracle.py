"""The official product clients say what a request must look like: ours is sent beside theirs and compared."""

from __future__ import annotations

import contextlib
import inspect
from typing import Any

import pytest
from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_vod20170321 import models as vod_models
from darabonba.exceptions import ResponseException

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook
from airflow_provider_ims.jobs import kinds
from airflow_provider_ims.jobs.kinds import JobKind

IMS_ACTIONS = {
    "SubmitTextGenerateJob": "submit_text_generate_job",
    "SubmitAudioProduceJob": "submit_audio_produce_job",
    "SubmitBatchMediaProducingJob": "submit_batch_media_producing_job",
    "GetSmartHandleJob": "get_smart_handle_job",
    "ListSmartJobs": "list_smart_jobs",
    "GetBatchMediaProducingJob": "get_batch_media_producing_job",
    "ListBatchMediaProducingJobs": "list_batch_media_producing_jobs",
}
VOD_ACTIONS = {
    "SubmitAIImageJob": "submit_aiimage_job",
    "GetAIImageJobs": "get_aiimage_jobs",
    "ListAIImageInfo": "list_aiimage_info",
}
ACTIONS = [*IMS_ACTIONS, *VOD_ACTIONS]
KINDS = [kind for kind in vars(kinds).values() if isinstance(kind, JobKind)]
#: Characters that a query or a form may spoil, and what fills a request of 90 kB.
TEXTS = {"plain": "text", "odd": "新店 开业!'()*~-_. +&=%/?:;,@\"\\\n\t<>#[]{}|^`🎂", "long": "新店开业啦，" * 1667}
COMPARED = ("method", "action", "version", "parameters", "in_query", "in_body")


def request_model(action: str) -> type[Any]:
    model: type[Any] = getattr(ice_models if action in IMS_ACTIONS else vod_models, f"{action}Request")
    return model


def filled(action: str, text: str) -> Any:
    """Build the product client's request with every parameter that it knows."""
    values = {"str": text, "int": 7, "bool": True}
    wanted = inspect.signature(request_model(action)).parameters
    return request_model(action)(**{name: values[str(kind.annotation).strip("'")] for name, kind in wanted.items()})


def send_both(emulator: ImsEmulator, action: str, request: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Send a request by the product client and by our call, and return what the emulator has on record of both."""
    hook = ImsHook() if action in IMS_ACTIONS else VodHook()
    method = getattr(hook.get_conn(), IMS_ACTIONS.get(action) or VOD_ACTIONS[action])
    # The emulator refuses values without meaning; how they were sent is on its record all the same.
    with contextlib.suppress(ResponseException):
        method(request)
    with contextlib.suppress(ImsRequestError):
        hook.call(action, request.to_map())
    theirs, ours = emulator.requests(action)
    for record in (theirs, ours):
        # The client writes a flag as Python does, we as the API's page does.
        record["parameters"] = {
            name: value.lower() if value in ("True", "False") else value for name, value in record["parameters"].items()
        }
    return theirs, ours


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("action", ACTIONS)
def test_the_hook_sends_what_the_product_client_sends(emulator: ImsEmulator, action: str, text: str) -> None:
    request = filled(action, text)
    theirs, ours = send_both(emulator, action, request)
    assert {name: ours[name] for name in COMPARED} == {name: theirs[name] for name in COMPARED}
    # All of it arrived, and as it was meant.
    assert set(ours["parameters"]) == set(request.to_map())
    assert text in ours["parameters"].values()
    # Both were signed right; one that is spoiled on its way is refused for its signature.
    assert ours["error_code"] == theirs["error_code"] != "SignatureDoesNotMatch"


@pytest.mark.parametrize("action", ACTIONS)
def test_without_parameters_they_send_the_same_too(emulator: ImsEmulator, action: str) -> None:
    theirs, ours = send_both(emulator, action, request_model(action)())
    assert {name: ours[name] for name in COMPARED} == {name: theirs[name] for name in COMPARED}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.submit_action)
def test_a_kind_has_every_parameter_that_the_product_client_has(kind: JobKind) -> None:
    known = set(filled(kind.submit_action, "text").to_map())
    # Left over in VOD from before RAM: whose account is called is told by the credentials.
    before_ram = {"OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId"}
    assert {parameter.name for parameter in kind.parameters} == known - before_ram


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.submit_action)
def test_the_family_of_a_kind_is_asked_by_a_parameter_that_exists(kind: JobKind) -> None:
    family = kind.family
    assert family.id_parameter in filled(family.query_action, "text").to_map()
