"""
The actions that set the callbacks of an account, and the address to which the notification of a job is sent.

Both products have one setting for each region. IMS: https://help.aliyun.com/document_detail/610204.html. VOD:
https://help.aliyun.com/document_detail/55627.html.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow_provider_ims.emulator.api.errors import invalid, missing
from airflow_provider_ims.emulator.api.messages import ApiResponse
from airflow_provider_ims.emulator.api.model import ICE, VOD, Fields, JobKind, JobView, Product, as_object
from airflow_provider_ims.emulator.api.parameters import ParameterRule, Parameters, declare, one_of
from airflow_provider_ims.emulator.api.table import JOB_KINDS

if TYPE_CHECKING:
    from airflow_provider_ims.emulator.api.jobs import Jobs

HTTP, MNS = "HTTP", "MNS"
QUEUE_PREFIX = "ice-callback-"
MAX_AUTH_KEY = 32
DEFAULT_APP_ID = "app-1000000"


@dataclass(frozen=True)
class Target:
    """
    Where the notification of a job is sent.

    :param address: A URL, or the name of an SMQ queue.
    :param auth_key: The key that signs the request; None for an unsigned request.
    """

    address: str
    auth_key: str | None

    @property
    def is_url(self) -> bool:
        """Whether the address is a URL."""
        return _is_url(self.address)


def _is_url(address: str) -> bool:
    return address.lower().startswith(("http://", "https://"))


def _check_url(url: str, name: str, _: Parameters) -> None:
    try:
        valid = _is_url(url) and bool(urlsplit(url).hostname) and urlsplit(url).port != 0
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
#: Parameters that have an effect only with one callback type.
_HTTP_ONLY = ("CallbackURL", "AuthSwitch", "AuthKey")
_QUEUE = {ICE: "CallbackQueueName", VOD: "MnsQueueName"}
_QUEUE_ONLY = ("CallbackQueueName", "MnsQueueName", "MnsEndpoint")


def set_callback(product: Product, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """Store the callback settings of a product in the region."""
    # The documentation specifies no default for CallbackType.
    callback_type = parameters.get("CallbackType", HTTP)
    required, ignored = ("CallbackURL", _QUEUE_ONLY) if callback_type == HTTP else (_QUEUE[product], _HTTP_ONLY)
    if required not in parameters:
        raise missing(required)
    settings = {name: value for name, value in parameters.items() if name not in ignored}
    settings["CallbackType"] = callback_type
    if callback_type == HTTP:
        settings.setdefault("AuthSwitch", "off")
    if product is VOD:
        settings.setdefault("AppId", DEFAULT_APP_ID)
    jobs.store.callbacks.save_settings(product.ram_code, jobs.settings.region_id, settings)
    actions = [key for key, kind in JOB_KINDS.items() if kind.family.product is product]
    jobs.store.callbacks.expect_all(actions, jobs.clock.now())
    return ApiResponse(200, {"Success": True} if product is ICE else {})


def get_callback(product: Product, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """Return the callback settings of a product. Without settings, the response is empty, which is not documented."""
    settings = _settings(jobs, product)
    return ApiResponse(200, {"MessageCallback": settings} if product is VOD else settings)


def delete_callback(product: Product, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """Delete the callback settings of a product."""
    jobs.store.callbacks.delete_settings(product.ram_code, jobs.settings.region_id)
    return ApiResponse(200, {})


def _settings(jobs: Jobs, product: Product) -> dict[str, str]:
    return jobs.store.callbacks.settings(product.ram_code, jobs.settings.region_id) or {}


def has_callback(jobs: Jobs, kind: JobKind, parameters: Parameters) -> bool:
    """Return whether a notification may have to be sent when a job ends."""
    product = kind.family.product
    return bool(product is ICE and _own_address(product, parameters)) or bool(_settings(jobs, product))


def target_of(jobs: Jobs, view: JobView, names: Set[str]) -> Target | None:
    """
    Return where the notification of a job is sent; None if no callback is set for it.

    The address in UserData replaces that of the settings. VOD uses it only if the settings enable the event. IMS does
    not document whether it sends both, nor whether requests to an address in UserData are signed; here, they are signed
    with the key of the settings, if there is one.

    :param names: The names in ``EventTypeList`` that enable the event.
    """
    product = view.kind.family.product
    settings = _settings(jobs, product)
    is_enabled = any(name.strip() in names for name in settings.get("EventTypeList", "").split(","))
    address = _own_address(product, view.parameters) if product is ICE or is_enabled else None
    if address is None and is_enabled:
        address = settings.get("CallbackURL") or settings.get(_QUEUE[product])
    if address is None:
        return None
    return Target(address, settings.get("AuthKey") if settings.get("AuthSwitch") == "on" else None)


def user_data_of(parameters: Parameters) -> Fields:
    """Return UserData if it is a JSON object; some actions accept any text."""
    return _json_object(parameters.get("UserData"))


def _own_address(product: Product, parameters: Parameters) -> str | None:
    user_data = user_data_of(parameters)
    if product is ICE:
        address = user_data.get("NotifyAddress")
    else:
        # The examples show it both as an object and as JSON in a string.
        callback = _json_object(user_data.get("MessageCallback"))
        address = callback.get("CallbackURL") or callback.get("MnsQueueName")
    return address if isinstance(address, str) and address else None


def _json_object(value: Any) -> Fields:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return as_object(value)
