"""The callback settings of a region, and the destination of the callback of a job."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims.emulator.api.model import ICE, VOD, Fields, JobKind, JobView, Product, as_object
from airflow_provider_ims.emulator.api.parameters import Parameters
from airflow_provider_ims.emulator.api.regions import REGIONS, region_of_host
from airflow_provider_ims.emulator.state.callbacks import CallbackTable

QUEUE_PREFIX = "ice-callback-"
"""The prefix of the names of the queues to which IMS sends callbacks."""

#: The setting that contains the name of a queue.
QUEUE_NAMES: Mapping[Product, str] = {ICE: "CallbackQueueName", VOD: "MnsQueueName"}


@dataclass(frozen=True)
class Target:
    """
    The destination of the callback of a job.

    :param address: A URL, or the name of an SMQ queue.
    :param region: The region of the queue.
    :param auth_key: The key that signs the request; None for an unsigned request.
    """

    address: str
    region: str
    auth_key: str | None

    @property
    def is_url(self) -> bool:
        """Whether the address is a URL."""
        return is_url(self.address)


def is_url(address: str) -> bool:
    """Return whether an address is an HTTP URL; otherwise, it is the name of a queue."""
    return address.isprintable() and address.lower().startswith(("http://", "https://"))


def settings_of(table: CallbackTable, product: Product, region: str) -> dict[str, str]:
    """Return the callback settings of a product in a region; empty if there are none."""
    return table.settings(product.ram_code, region) or {}


def has_callback(table: CallbackTable, kind: JobKind, region: str, parameters: Parameters) -> bool:
    """Return whether a callback may have to be sent when a job ends."""
    product = kind.family.product
    return bool((product is ICE and _own_address(product, parameters)) or settings_of(table, product, region))


def target_of(table: CallbackTable, view: JobView, names: Set[str]) -> Target | None:
    """
    Return the destination of the callback of a job; None if no callback is sent.

    The address in UserData replaces that of the settings. VOD uses it only if the settings enable the event. It is not
    documented whether IMS sends both callbacks, or whether it signs those to an address in UserData. The emulator sends
    one, and signs it with AuthKey if AuthSwitch is on.

    :param names: The names in ``EventTypeList`` that enable the event.
    """
    product = view.kind.family.product
    settings = settings_of(table, product, view.job.region)
    is_enabled = any(name.strip() in names for name in settings.get("EventTypeList", "").split(","))
    address = _own_address(product, view.parameters) if product is ICE or is_enabled else None
    endpoint = _message_callback(view.parameters).get("MnsEndpoint") if address else settings.get("MnsEndpoint")
    if address is None and is_enabled:
        address = settings.get("CallbackURL") or settings.get(QUEUE_NAMES[product])
    if address is None:
        return None
    auth_key = settings.get("AuthKey") if settings.get("AuthSwitch") == "on" else None
    return Target(address, _region_of_endpoint(endpoint) or view.job.region, auth_key)


def user_data_of(parameters: Parameters) -> Fields:
    """Return UserData if it is a JSON object; some actions accept any text."""
    return _json_object(parameters.get("UserData"))


def _own_address(product: Product, parameters: Parameters) -> str | None:
    if product is ICE:
        address = user_data_of(parameters).get("NotifyAddress")
    else:
        callback = _message_callback(parameters)
        address = callback.get("CallbackURL") or callback.get("MnsQueueName")
    return address if isinstance(address, str) and address and address.isprintable() else None


def _message_callback(parameters: Parameters) -> Fields:
    # The examples show it both as an object and as JSON in a string.
    return _json_object(user_data_of(parameters).get("MessageCallback"))


def _region_of_endpoint(endpoint: Any) -> str | None:
    """Return the region of an endpoint of SMQ, such as ``http://1234.mns.cn-shanghai.aliyuncs.com/``."""
    host = endpoint.partition("://")[2].partition("/")[0] if isinstance(endpoint, str) else ""
    region = region_of_host(host)
    return region if region in REGIONS else None


def _json_object(value: Any) -> Fields:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return as_object(value)
