"""
The official SDK's generic client, wrapped.

The only module that imports the SDK when it is imported, which takes half a second: import it late.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.utils_models import Config, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

import airflow_provider_ims
from airflow_provider_ims.exceptions import ImsRequestError

if TYPE_CHECKING:
    from airflow_provider_ims.hooks.actions import Action
    from airflow_provider_ims.hooks.settings import Settings

__all__ = ["Client", "client_config", "send"]


@cache
def _user_agent() -> str:
    return f"airflow-provider-ims/{airflow_provider_ims.__version__} apache-airflow/{version('apache-airflow-core')}"


def client_config(settings: Settings, endpoint: str) -> Config:
    """
    Build the configuration that the generic and the product clients share.

    :param settings: What the connection says.
    :param endpoint: ``host[:port]`` to send to.
    """
    if settings.ca is not None and not Path(settings.ca).exists():
        raise ImsRequestError(f"The connection's ca, {settings.ca}, does not exist on this machine", field="ca")
    # No configuration at all is how the SDK is asked for its default chain of credential sources.
    source = CredentialConfig(**settings.credential) if settings.credential else None
    return Config(
        credential=CredentialClient(source),
        endpoint=endpoint,
        region_id=settings.region_id,
        protocol=settings.protocol,
        # In whole milliseconds, of which none at all would mean the SDK's own default.
        connect_timeout=math.ceil(settings.connect_timeout * 1000),
        read_timeout=math.ceil(settings.read_timeout * 1000),
        https_proxy=settings.https_proxy,
        ca=settings.ca,
        user_agent=_user_agent(),
    )


def send(client: Client, action: Action, parameters: Mapping[str, str]) -> Any:
    """
    Send one signed request and return the body of the answer, once, without a retry.

    :param client: The generic client or a product client.
    :param action: The action to call.
    :param parameters: The API's parameters, as strings.
    """
    body = {name: value for name, value in parameters.items() if name in action.body}
    request = OpenApiRequest(
        query={name: value for name, value in parameters.items() if name not in action.body},
        body=body or None,
    )
    params = Params(
        action=action.name,
        version=action.version,
        protocol="HTTPS",
        pathname="/",
        method=action.method,
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    return client.call_api(params, request, RuntimeOptions())["body"]
