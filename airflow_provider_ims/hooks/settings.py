"""What an Airflow connection says: credentials, region, endpoint, network behaviour."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsRequestError
from airflow_provider_ims.get_provider_info import CONNECTION_FIELDS, CREDENTIAL_TYPES, LOGIN_FIELDS

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

#: Where a person finds a credential field of the SDK's in the connection, unless in the extra.
_PLACES = {name: place for place, name in LOGIN_FIELDS.items()}
_CREDENTIAL_NAMES = {name for needs, takes in CREDENTIAL_TYPES.values() for name in needs + takes}
#: What a credential type needs: the SDK's field -> where a person finds it in the connection.
CREDENTIAL_FIELDS: Mapping[str, Mapping[str, str]] = {
    kind: {name: _PLACES.get(name, f"extra {name}") for name in needs} for kind, (needs, _) in CREDENTIAL_TYPES.items()
}
#: A chosen credential type ignores the fields of others, but not these: without its role or its policy the identity
#: could do more than is written here, and keys without their token are refused by a service that knows no such key.
_NEVER_IGNORED = ("role_arn", "policy", "security_token")
#: The shortest session that STS gives, in seconds.
SHORTEST_SESSION = 900
PROTOCOLS = ("https", "http")
NETWORKS = ("public", "vpc")
#: ``host[:port]``: the SDK would take a URL too, and then sign a host that it does not send.
_ENDPOINT = re.compile(r"([^\s/:@?#\[\]]+|\[[0-9a-fA-F:]+\])(:\d+)?")
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0
#: The consoles' front pages: no address of a single job is documented.
CONSOLE_URL = "https://{product}.console.aliyun.com"


@dataclass(frozen=True, slots=True)
class Settings:
    """
    A connection, read and checked.

    :param region_id: The region, such as ``cn-shanghai``; ``None`` when neither the connection nor the caller
        names one.
    :param credential: The credential type as ``type``, and its fields under the SDK's names; empty for the SDK's
        default chain.
    :param endpoints: Endpoint overrides by product code (``ice``, ``vod``): ``host[:port]``.
    :param network: ``public``, or ``vpc`` for the endpoints inside a VPC.
    :param protocol: ``https``, or ``http`` for an emulator.
    :param connect_timeout: Seconds to wait for a connection.
    :param read_timeout: Seconds to wait for an answer.
    :param https_proxy: A proxy's URL.
    :param ca: Path of a CA bundle that the server's certificate is verified against.
    :param console_url: The address that a task's page links to, with ``{product}``, ``{region_id}`` and ``{job_id}``
        in it.
    """

    region_id: str | None
    credential: Mapping[str, Any] = field(repr=False)
    endpoints: Mapping[str, str]
    network: str
    protocol: str
    connect_timeout: float
    read_timeout: float
    https_proxy: str | None = field(repr=False)
    ca: str | None
    console_url: str

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
    stripped = {name: _as_text(value).strip() for name, value in extra.items() if value is not None}
    text = {name: value for name, value in stripped.items() if value}
    _mask(text)
    # The connections of type alibaba_cloud call it region.
    region_id = region_id or text.get("region_id") or text.get("region")
    network = _choice(connection, text, "network", NETWORKS)
    return Settings(
        region_id=region_id,
        credential=_credential(connection, text, region_id if network == "vpc" else None),
        endpoints={
            product: _endpoint(connection, text, name)
            for product, name in (("ice", "ims_endpoint"), ("vod", "vod_endpoint"))
            if name in text
        },
        network=network,
        protocol=_choice(connection, text, "protocol", PROTOCOLS),
        connect_timeout=_seconds(connection, text, "connect_timeout", CONNECT_TIMEOUT),
        read_timeout=_seconds(connection, text, "read_timeout", READ_TIMEOUT),
        https_proxy=text.get("https_proxy"),
        ca=text.get("ca"),
        console_url=_console_url(connection, text),
    )


def _as_text(value: Any) -> str:
    # A policy may come as the object that it is.
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)


def _mask(text: Mapping[str, str]) -> None:
    """Have Airflow mask the secrets that hide in addresses; of the other fields it knows by their names."""
    for name in ("https_proxy", "credentials_uri"):
        try:
            address = urlsplit(text.get(name, ""))
        except ValueError:
            continue
        secrets = [value for _, value in parse_qsl(address.query)]
        if address.password:
            secrets += [address.password, unquote(address.password)]
        if secrets:
            from airflow.sdk.log import mask_secret

            for secret in secrets:
                mask_secret(secret)


# The messages below name fields, never values: a secret may have been put into the wrong field.
def _credential(connection: Connection, extra: Mapping[str, str], vpc_region: str | None) -> dict[str, Any]:
    given = {name: value for name, value in extra.items() if name in _CREDENTIAL_NAMES}
    for place, name in LOGIN_FIELDS.items():
        # Stripped as the extras are: a line break that was pasted along makes a header that cannot be sent.
        if value := (getattr(connection, place) or "").strip():
            given[name] = value
    kind = extra.get("credential_type", "").lower() or _implied_type(connection, given)
    if kind not in CREDENTIAL_TYPES:
        raise _half_filled(connection, f"credential_type is not one of {', '.join(CREDENTIAL_TYPES)}")
    needs, takes = CREDENTIAL_TYPES[kind]
    missing = [name for name in needs if name not in given]
    if missing:
        places = " and ".join(CREDENTIAL_FIELDS[kind][name] for name in missing)
        labels = ", ".join(CONNECTION_FIELDS[name]["label"] for name in missing if name in CONNECTION_FIELDS)
        on_the_form = f", on the form: {labels}" if labels else ""
        raise _half_filled(connection, f"credential type {kind} needs {places}{on_the_form}")
    for name in _NEVER_IGNORED:
        if name in given and name not in needs + takes:
            others = [other for other, (needed, taken) in CREDENTIAL_TYPES.items() if name in needed + taken]
            raise _half_filled(
                connection,
                f"{name} is filled in, and credential type {kind} does not take it: empty it, or choose "
                f"{' or '.join(others)}",
            )
    credential: dict[str, Any] = {name: given[name] for name in needs + takes if name in given}
    for name, check in _CHECKS.items():
        if name in credential:
            credential[name] = check(connection, credential)
    if "sts_endpoint" in takes and vpc_region:
        # Where there is no way out, the public STS cannot be reached.
        credential.setdefault("sts_endpoint", f"sts-vpc.{vpc_region}.aliyuncs.com")
    return {} if kind == "default" else {"type": kind} | credential


def _implied_type(connection: Connection, given: Mapping[str, str]) -> str:
    """Return the first type that takes all that is filled in, one that then lacks nothing before others."""
    if not given:
        return "default"
    fitting = [kind for kind, (needs, takes) in CREDENTIAL_TYPES.items() if given.keys() <= {*needs, *takes}]
    for kind in fitting:
        if all(name in given for name in CREDENTIAL_TYPES[kind][0]):
            return kind
    if not fitting:
        filled = ", ".join(_PLACES.get(name, name) for name in given)
        raise _half_filled(connection, f"no credential type takes all of {filled}; choose a credential_type")
    return fitting[0]


def _half_filled(connection: Connection, problem: str) -> ImsCredentialsError:
    return ImsCredentialsError(f"Connection {connection.conn_id}: {problem}")


def _session_seconds(connection: Connection, credential: Mapping[str, str]) -> int:
    text = credential["role_session_expiration"]
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) < SHORTEST_SESSION:
        raise _half_filled(
            connection,
            f"role_session_expiration is not a whole number of seconds of at least {SHORTEST_SESSION}; 1800 or more "
            "is wise, since credentials are renewed 15 minutes before their end",
        )
    return int(text)


def _policy(connection: Connection, credential: Mapping[str, str]) -> str:
    try:
        policy = json.loads(credential["policy"])
    except ValueError:
        policy = None
    if not isinstance(policy, dict):
        raise _half_filled(connection, "policy is not a JSON object")
    # Without spaces: the SDK signs a space as a plus, which STS does not.
    return json.dumps(policy, separators=(",", ":"))


def _credentials_uri(connection: Connection, credential: Mapping[str, str]) -> str:
    try:
        address = urlsplit(credential["credentials_uri"])
        port = address.port or {"http": 80, "https": 443}[address.scheme]
    except (ValueError, KeyError):
        raise _half_filled(connection, "credentials_uri is no http or https address") from None
    if not address.hostname or address.username:
        raise _half_filled(connection, "credentials_uri has no host, or a user, which the SDK does not send")
    host = f"[{address.hostname}]" if ":" in address.hostname else address.hostname
    # With its port: the SDK asks for port None where none is named.
    return address._replace(netloc=f"{host}:{port}", path=address.path or "/").geturl()


_CHECKS: Mapping[str, Callable[[Connection, Mapping[str, str]], str | int]] = {
    "role_session_expiration": _session_seconds,
    "policy": _policy,
    "credentials_uri": _credentials_uri,
    "sts_endpoint": lambda connection, credential: _endpoint(connection, credential, "sts_endpoint"),
}


def _endpoint(connection: Connection, extra: Mapping[str, str], name: str) -> str:
    if not _ENDPOINT.fullmatch(extra[name]):
        raise ImsRequestError(
            f"Connection {connection.conn_id}: {name} is not host[:port]; leave out https:// and any path",
            field=name,
        )
    return extra[name]


def _console_url(connection: Connection, extra: Mapping[str, str]) -> str:
    template = extra.get("console_url", CONSOLE_URL)
    try:
        address = template.format(product="ims", region_id="cn-shanghai", job_id="0")
    except (LookupError, ValueError, AttributeError):
        address = ""
    # Airflow's page makes a link of whatever it is: nothing but the web's own schemes may become one.
    if not re.fullmatch(r"https?://\S+", address):
        raise ImsRequestError(
            f"Connection {connection.conn_id}: console_url is no web address with only {{product}}, {{region_id}} and "
            "{job_id} left open",
            field="console_url",
        )
    return template


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
