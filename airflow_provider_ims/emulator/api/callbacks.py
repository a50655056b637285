"""
The actions that set, return and delete the callback settings.

Each product has one set of callback settings per region. IMS: https://help.aliyun.com/document_detail/610204.html. VOD:
https://help.aliyun.com/document_detail/55627.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from airflow_provider_ims.emulator.api.errors import invalid, missing
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.messages import ApiResponse
from airflow_provider_ims.emulator.api.model import ICE, VOD, Product
from airflow_provider_ims.emulator.api.parameters import ParameterRule, Parameters, declare, one_of
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.api.targets import QUEUE_NAMES, QUEUE_PREFIX, is_url, settings_of

HTTP, MNS = "HTTP", "MNS"
MAX_AUTH_KEY = 32
DEFAULT_APP_ID = "app-1000000"


def _check_url(url: str, name: str, _: Parameters) -> None:
    try:
        valid = is_url(url) and bool(urlsplit(url).hostname) and urlsplit(url).port != 0
    except ValueError:
        valid = False
    if not valid:
        raise invalid(name, "It must be an HTTP or HTTPS URL.")


def _check_queue(queue: str, name: str, _: Parameters) -> None:
    if not queue.startswith(QUEUE_PREFIX):
        raise invalid(name, f"The name of the queue must start with {QUEUE_PREFIX}.")


def _check_auth_key(key: str, name: str, _: Parameters) -> None:
    has_all = any(map(str.isupper, key)) and any(map(str.islower, key)) and any(map(str.isdigit, key))
    if len(key) > MAX_AUTH_KEY or not has_all:
        limit = f"It can be up to {MAX_AUTH_KEY} characters in length"
        raise invalid(name, f"{limit} and must contain uppercase letters, lowercase letters, and digits.")


_CHECKS = {
    "CallbackType": one_of(HTTP, MNS),
    "CallbackURL": _check_url,
    "AuthSwitch": one_of("on", "off"),
    "AuthKey": _check_auth_key,
}
SET_RULES: Mapping[Product, Mapping[str, ParameterRule]] = {
    ICE: declare(
        "CallbackType CallbackURL<256 CallbackQueueName EventTypeList AuthSwitch AuthKey",
        CallbackQueueName=_check_queue,
        **_CHECKS,
    ),
    VOD: declare(
        "CallbackType CallbackURL<256 MnsEndpoint MnsQueueName EventTypeList AuthSwitch AuthKey AppId", **_CHECKS
    ),
}
#: The parameters that are ignored with the callback type MNS.
_HTTP_ONLY = ("CallbackURL", "AuthSwitch", "AuthKey")
#: The parameters that are ignored with the callback type HTTP.
_QUEUE_ONLY = ("CallbackQueueName", "MnsQueueName", "MnsEndpoint")


def set_callback(product: Product, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """
    Store the callback settings of a product in the region of the request.

    The settings also apply to jobs that were submitted earlier and have not ended.

    :raises ApiError: If the parameter that the callback type requires is missing.
    """
    # The documentation does not specify a default for CallbackType. The emulator uses HTTP.
    callback_type = parameters.get("CallbackType", HTTP)
    required, ignored = ("CallbackURL", _QUEUE_ONLY) if callback_type == HTTP else (QUEUE_NAMES[product], _HTTP_ONLY)
    if required not in parameters:
        raise missing(required)
    settings = {name: value for name, value in parameters.items() if name not in ignored}
    settings["CallbackType"] = callback_type
    if callback_type == HTTP:
        settings.setdefault("AuthSwitch", "off")
    if product is VOD:
        settings.setdefault("AppId", DEFAULT_APP_ID)
    jobs.store.callbacks.save_settings(product.ram_code, jobs.region, settings)
    actions = [key for key, kind in JOB_KINDS.items() if kind.family.product is product]
    jobs.store.callbacks.expect_all(actions, jobs.region, jobs.clock.now())
    return ApiResponse(200, {"Success": True} if product is ICE else {})


def get_callback(product: Product, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """
    Return the callback settings of a product in the region of the request.

    If no settings are stored, return empty settings. The documentation does not specify the response in this case.
    """
    settings = settings_of(jobs.store.callbacks, product, jobs.region)
    return ApiResponse(200, {"MessageCallback": settings} if product is VOD else settings)


def delete_callback(product: Product, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """Delete the callback settings of a product in the region of the request."""
    jobs.store.callbacks.delete_settings(product.ram_code, jobs.region)
    return ApiResponse(200, {})
