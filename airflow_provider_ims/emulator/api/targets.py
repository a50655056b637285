"""Determines the destination of a job's callback from the job's UserData and the callback settings of the region."""

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
"""The required prefix of the name of a queue for IMS callbacks."""

#: Product -> the callback setting that contains the name of a queue.
QUEUE_NAMES: Mapping[Product, str] = {ICE: "CallbackQueueName", VOD: "MnsQueueName"}


@dataclass(frozen=True)
class Target:
    """
    The destination of the callback of a job.

    :param address: A URL, or the name of an SMQ queue.
    :param region: The region of the queue.
    :param auth_key: The key with which a callback to a URL is signed; None if callbacks are not signed.
    """

    address: str
    region: str
    auth_key: str | None

    @property
    def is_url(self) -> bool:
        """Whether the address is a URL."""
        return is_url(self.address)


def is_url(address: str) -> bool:
    """Return whether an address is an HTTP or HTTPS URL. Any other address is the name of a queue."""
    return address.isprintable() and address.lower().startswith(("http://", "https://"))


def settings_of(table: CallbackTable, product: Product, region: str) -> dict[str, str]:
    """Return the callback settings of a product in a region; an empty dict if there are none."""
    return table.settings(product.ram_code, region) or {}


def has_callback(table: CallbackTable, kind: JobKind, region: str, parameters: Parameters) -> bool:
    """
    Return whether a callback might have to be sent when a job ends.

    The callback settings can change until then, so :func:`target_of` determines the destination after the
    job has ended.
    """
    product = kind.family.product
    return bool((product is ICE and _own_address(product, parameters)) or settings_of(table, product, region))


def target_of(table: CallbackTable, view: JobView, names: Set[str]) -> Target | None:
    """
    Return the destination of the callback of a job; None if no callback is sent.

    An address in UserData overrides the address in the callback settings. VOD uses the address in UserData only if the
    settings enable the event. The documentation does not specify whether IMS sends a callback to both addresses, or
    whether it signs a callback to an address in UserData. The emulator sends one callback, and signs it with
    ``AuthKey`` if ``AuthSwitch`` is ``on``.

    :param names: The names that enable the event if ``EventTypeList`` contains one of them.
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
    """Return UserData if it is a JSON object, otherwise an empty dict. Some actions accept any string as UserData."""
    return _json_object(parameters.get("UserData"))


def _own_address(product: Product, parameters: Parameters) -> str | None:
    if product is ICE:
        address = user_data_of(parameters).get("NotifyAddress")
    else:
        callback = _message_callback(parameters)
        address = callback.get("CallbackURL") or callback.get("MnsQueueName")
    return address if isinstance(address, str) and address and address.isprintable() else None


def _message_callback(parameters: Parameters) -> Fields:
    # In some documented examples, MessageCallback is an object. In others, it is a string that contains JSON.
    return _json_object(user_data_of(parameters).get("MessageCallback"))


def _region_of_endpoint(endpoint: Any) -> str | None:
    """Return the region in the URL of an endpoint of SMQ, such as ``http://1234.mns.cn-shanghai.aliyuncs.com/``."""
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
