"""What an Airflow connection says: credentials, region, endpoint, network behaviour."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsRequestError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

#: What a credential type needs: the SDK's field -> where a person finds it in the connection.
CREDENTIAL_FIELDS: Mapping[str, Mapping[str, str]] = {
    "access_key": {"access_key_id": "login", "access_key_secret": "password"},
    "sts": {
        "access_key_id": "login",
        "access_key_secret": "password",
        "security_token": "extra security_token",
    },
    # The SDK's own chain: environment, OIDC, ~/.aliyun, ~/.alibabacloud, ECS metadata, URI.
    "default": {},
}
PROTOCOLS = ("https", "http")
NETWORKS = ("public", "vpc")
#: ``host[:port]``: the SDK would take a URL too, and then sign a host that it does not send.
_ENDPOINT = re.compile(r"([^\s/:@?#\[\]]+|\[[0-9a-fA-F:]+\])(:\d+)?")
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0


@dataclass(frozen=True, slots=True)
class Settings:
    """
    A connection, read and checked.

    :param region_id: The region, such as ``cn-shanghai``; ``None`` when neither the connection nor the caller
        names one.
    :param credential: The SDK's credential fields; empty for the SDK's default chain.
    :param endpoints: Endpoint overrides by product code (``ice``, ``vod``): ``host[:port]``.
    :param network: ``public``, or ``vpc`` for the endpoints inside a VPC.
    :param protocol: ``https``, or ``http`` for an emulator.
    :param connect_timeout: Seconds to wait for a connection.
    :param read_timeout: Seconds to wait for an answer.
    :param https_proxy: A proxy's URL.
    :param ca: Path of a CA bundle that the server's certificate is verified against.
    """

    region_id: str | None
    credential: Mapping[str, str] = field(repr=False)
    endpoints: Mapping[str, str]
    network: str
    protocol: str
    connect_timeout: float
    read_timeout: float
    https_proxy: str | None = field(repr=False)
    ca: str | None

    def endpoint(self, product: str) -> str:
        """
        Return the ``host[:port]`` that a product's requests go to.

        It is always named here: the SDK's own table sends most regions elsewhere.

        :param product: ``ice`` or ``vod``.
        :raises ImsRequestError: without a region and without an endpoint.
        """
        if override := self.endpoints.get(product):
            return override
        if not self.region_id:
            raise ImsRequestError(
                "No region: set region_id on the task or in the connection's extra, for example cn-shanghai",
                field="region_id",
            )
        infix = "-vpc" if self.network == "vpc" else ""
        return f"{product}{infix}.{self.region_id}.aliyuncs.com"


def read_settings(connection: Connection, region_id: str | None = None) -> Settings:
    """
    Read a connection of type ``alibabacloud_ims`` or of the existing type ``alibaba_cloud``.

    :param connection: The connection.
    :param region_id: A region that goes over the connection's.
    :raises ImsCredentialsError: when the credentials are half-filled or of an unknown type.
    :raises ImsRequestError: when another field has no meaning.
    """
    extra: dict[str, Any] = connection.extra_dejson
    stripped = {name: str(value).strip() for name, value in extra.items() if value is not None}
    text = {name: value for name, value in stripped.items() if value}
    return Settings(
        # The connections of type alibaba_cloud call it region.
        region_id=region_id or text.get("region_id") or text.get("region"),
        credential=_credential(connection, text),
        endpoints={
            product: _endpoint(connection, text, name)
            for product, name in (("ice", "ims_endpoint"), ("vod", "vod_endpoint"))
            if name in text
        },
        network=_choice(connection, text, "network", NETWORKS),
        protocol=_choice(connection, text, "protocol", PROTOCOLS),
        connect_timeout=_seconds(connection, text, "connect_timeout", CONNECT_TIMEOUT),
        read_timeout=_seconds(connection, text, "read_timeout", READ_TIMEOUT),
        https_proxy=text.get("https_proxy"),
        ca=text.get("ca"),
    )


# The messages below name fields, never values: a secret may have been put into the wrong field.
def _credential(connection: Connection, extra: Mapping[str, str]) -> dict[str, str]:
    given = {
        # Stripped as the extras are: a line break that was pasted along makes a header that cannot be sent.
        "access_key_id": (connection.login or "").strip() or extra.get("access_key_id"),
        "access_key_secret": (connection.password or "").strip() or extra.get("access_key_secret"),
        "security_token": extra.get("security_token"),
    }
    kind = extra.get("credential_type") or _implied_type(given)
    if kind not in CREDENTIAL_FIELDS:
        raise ImsCredentialsError(
            f"Connection {connection.conn_id}: credential_type is not one of {', '.join(CREDENTIAL_FIELDS)}"
        )
    fields = CREDENTIAL_FIELDS[kind]
    missing = [place for name, place in fields.items() if not given[name]]
    if missing:
        raise ImsCredentialsError(
            f"Connection {connection.conn_id}: credential type {kind} needs {' and '.join(missing)}"
        )
    return {"type": kind} | {name: given[name] or "" for name in fields} if fields else {}


def _implied_type(given: Mapping[str, str | None]) -> str:
    if given["security_token"]:
        return "sts"
    return "access_key" if given["access_key_id"] or given["access_key_secret"] else "default"


def _endpoint(connection: Connection, extra: Mapping[str, str], name: str) -> str:
    if not _ENDPOINT.fullmatch(extra[name]):
        raise ImsRequestError(
            f"Connection {connection.conn_id}: {name} is not host[:port]; leave out https:// and any path",
            field=name,
        )
    return extra[name]


def _choice(connection: Connection, extra: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    value = extra.get(name, choices[0]).lower()
    if value not in choices:
        raise ImsRequestError(
            f"Connection {connection.conn_id}: {name} is not one of {', '.join(choices)}",
            field=name,
        )
    return value


def _seconds(connection: Connection, extra: Mapping[str, str], name: str, default: float) -> float:
    try:
        value = float(extra.get(name, default))
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise ImsRequestError(
            f"Connection {connection.conn_id}: {name} is not a number of seconds above 0",
            field=name,
        )
    return value
