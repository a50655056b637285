"""
The SDK's generic client.

This is the only module that imports the SDK of IMS and VOD at module level. Import this module lazily, because
importing it takes half a second.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_credentials.provider import DefaultCredentialsProvider, EcsRamRoleCredentialsProvider
from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.utils_models import Config, GlobalParameters, OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions

import airflow_provider_ims
from airflow_provider_ims.exceptions import ImsCredentialsError, ImsRequestError
from airflow_provider_ims.hooks._actions import Action
from airflow_provider_ims.hooks._credentials_provider import SOURCES, CachingCredentialsProvider
from airflow_provider_ims.hooks._settings import Settings

__all__ = ["Client", "client_config", "send"]


def _has_no_request(record: logging.LogRecord) -> bool:
    # If the SDK cannot renew credentials, it logs the request and the response, including tokens. This package logs the
    # failure without them.
    return not isinstance(record.msg, Exception) and ", error: " not in str(record.msg)


def _has_no_token(record: logging.LogRecord) -> bool:
    # STS tokens are in the query, which urllib3 logs at debug level. Airflow does not mask an OIDC token.
    return not any(isinstance(value, str) and "Token=" in value for value in record.args or ())


def _is_not_debug(record: logging.LogRecord) -> bool:
    # With DEBUG=sdk in the environment, the SDK logs the headers of all requests, including the security token.
    return record.levelno > logging.DEBUG


logging.getLogger("credentials").addFilter(_has_no_request)
logging.getLogger("darabonba-core").addFilter(_is_not_debug)
logging.getLogger("alibabacloud-tea").addFilter(_is_not_debug)
logging.getLogger("urllib3.connectionpool").addFilter(_has_no_token)

_USER_AGENT = f"airflow-provider-ims/{airflow_provider_ims.__version__} apache-airflow/{version('apache-airflow-core')}"


def client_config(settings: Settings, endpoint: str) -> Config:
    """
    Build the configuration that the generic and the product clients share.

    :raises ImsRequestError: if the CA file does not exist.
    :raises ImsCredentialsError: as raised by :func:`credential_client`.
    """
    if settings.ca is not None and not Path(settings.ca).exists():
        raise ImsRequestError(f"The connection's ca, {settings.ca}, does not exist on this machine", field="ca")
    return Config(
        credential=credential_client(settings),
        endpoint=endpoint,
        region_id=settings.region_id,
        protocol=settings.protocol,
        connect_timeout=_milliseconds(settings.connect_timeout),
        read_timeout=_milliseconds(settings.read_timeout),
        https_proxy=settings.https_proxy,
        ca=settings.ca,
        user_agent=_USER_AGENT,
        global_parameters=_region_parameter(settings.region_id, endpoint),
    )


def _region_parameter(region_id: str | None, endpoint: str) -> GlobalParameters | None:
    """Return the region as a parameter of every request; ``None`` if it is unknown or part of the endpoint's host."""
    if region_id is None or endpoint.partition(":")[0].endswith(".aliyuncs.com"):
        return None
    return GlobalParameters(queries={"RegionId": region_id})


def credential_client(settings: Settings) -> CredentialClient:
    """
    Build the SDK's credentials client. It sends no request until credentials are requested from it.

    :raises ImsCredentialsError: if a file is missing, or the environment disables the credential type.
    """
    credential_type = settings.credential.get("type", "default")
    try:
        provider = _provider(settings, credential_type)
    except (ValueError, OSError) as error:
        raise ImsCredentialsError(f"Cannot use credential type {credential_type} on this machine: {error}") from None
    if credential_type not in SOURCES:
        return provider
    return CredentialClient(provider=CachingCredentialsProvider(provider, credential_type))


def _provider(settings: Settings, credential_type: str) -> Any:
    if credential_type == "default":
        return DefaultCredentialsProvider()
    if credential_type == "ecs_ram_role":
        # The provider is created directly, because the SDK's factory would start a thread that never ends.
        role_name = settings.credential.get("role_name")
        return EcsRamRoleCredentialsProvider(role_name=role_name, async_update_enabled=False)
    client = CredentialClient(
        CredentialConfig(
            **settings.credential,
            connect_timeout=_milliseconds(settings.connect_timeout),
            timeout=_milliseconds(settings.read_timeout),
            # The server of a credentials URI is usually local, so the proxy is not used.
            proxy=None if credential_type == "credentials_uri" else settings.https_proxy,
        )
    )
    return client.cloud_credential.provider if credential_type in SOURCES else client


def _milliseconds(seconds: float) -> int:
    # The number is rounded up, because the SDK replaces 0 with its default.
    return math.ceil(seconds * 1000)


def send(client: Client, action: Action, parameters: Mapping[str, str]) -> Any:
    """Send one request without retries, and return the body of the response."""
    body = {name: value for name, value in parameters.items() if name in action.body}
    query = {name: value for name, value in parameters.items() if name not in action.body}
    request = OpenApiRequest(query=query, body=body or None)
    params = Params(
        action=action.name,
        version=action.version,
        protocol="HTTPS",
        pathname="/",
        method=action.method,
        auth_type="Anonymous" if action.anonymous else "AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    return client.call_api(params, request, RuntimeOptions())["body"]
