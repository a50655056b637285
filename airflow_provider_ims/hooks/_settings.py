"""Reads and validates a connection: its credentials, region, endpoints and network options."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from airflow_provider_ims.exceptions import ImsCredentialsError, ImsRequestError
from airflow_provider_ims.hooks._connection_form import CONNECTION_FIELDS, CREDENTIAL_TYPES, LOGIN_FIELDS, types_with
from airflow_provider_ims.hooks._encoding import encode_value

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Connection

#: The SDK's name of a credential field -> the standard connection field for it. All other credential fields are
#: connection extras.
_PLACES = {name: place for place, name in LOGIN_FIELDS.items()}
_CREDENTIAL_NAMES = {name for required, optional in CREDENTIAL_TYPES.values() for name in required + optional}
#: Credential type -> its required fields under the SDK's names, each with its place in the connection.
REQUIRED_FIELDS: Mapping[str, Mapping[str, str]] = {
    one: {name: _PLACES.get(name, f"extra {name}") for name in required}
    for one, (required, _) in CREDENTIAL_TYPES.items()
}
#: Credential fields that must not be set if the credential type does not use them; other unused fields are ignored. If
#: the role or the policy were ignored, the identity could have more permissions than configured. If the token were
#: ignored, the service would reject the temporary keys.
_NEVER_IGNORED = ("role_arn", "policy", "security_token")
#: The minimum duration of an STS session, in seconds.
MIN_SESSION = 900
PROTOCOLS = ("https", "http")
NETWORKS = ("public", "vpc")
#: ``host[:port]``. The SDK would accept a URL, but the host in the signature would differ from that of the request.
_ENDPOINT = re.compile(r"([^\s/:@?#\[\]]+|\[[0-9a-fA-F:]+\])(:\d+)?")
#: Only these characters are accepted, because the region is a part of the host to which signed requests are sent.
_REGION = re.compile(r"[A-Za-z0-9-]{1,64}")
#: Product code -> the connection extra that overrides its endpoint.
_ENDPOINTS = {"ice": "ims_endpoint", "vod": "vod_endpoint", "oss": "oss_endpoint", "mns": "smq_endpoint"}
#: IMS writes only to queues with this prefix.
_QUEUE = re.compile(r"ice-callback-[A-Za-z0-9-]+")
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 30.0
#: The home page of the console. The URL of a job's page is not documented.
CONSOLE_URL = "https://{product}.console.aliyun.com"


@dataclass(frozen=True, slots=True)
class Settings:
    """
    The validated settings of a connection.

    :param region_id: The region, such as ``cn-shanghai``; ``None`` if neither the connection nor the caller sets one.
    :param credential: The credential type as ``type``, and its fields under the SDK's names; empty for the SDK's
        default chain.
    :param endpoints: Endpoint overrides by product code (``ice``, ``vod``, ``oss``, ``mns``), as ``host[:port]``.
    :param network: ``public``, or ``vpc`` for the endpoints inside a VPC.
    :param protocol: ``https``, or ``http`` for the emulator.
    :param connect_timeout: Seconds to wait for a connection.
    :param read_timeout: Seconds to wait for a response.
    :param https_proxy: The URL of the proxy; ``None`` if none is set.
    :param ca: The path of a CA bundle with which the server's certificate is verified; ``None`` if none is set.
    :param console_url: The URL of the console link on a task's page, with placeholders.
    :param smq_queue: The queue to which IMS and VOD send a message when a job ends. ``None`` if none is set, or if the
        region is not the connection's, because the services send messages only to queues in the region of the job.
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
    smq_queue: str | None = None

    def endpoint(self, product: str) -> str:
        """
        Return the ``host[:port]`` of a product: ``ice``, ``vod`` or ``mns``.

        :raises ImsRequestError: if no endpoint is set, and either there is no region or the product is ``mns``.
        """
        if override := self.endpoints.get(product):
            return override
        if product == "mns":
            raise ImsRequestError(
                "No SMQ endpoint: set smq_endpoint in the connection's extra, for example "
                "1234567890123456.mns.cn-shanghai.aliyuncs.com. It contains the account id, so it has no default",
                field="smq_endpoint",
            )
        if not self.region_id:
            raise ImsRequestError(
                "No region: set region_id on the task or in the connection's extra, for example cn-shanghai",
                field="region_id",
            )
        # The SDK's endpoint table is not used, because it is wrong for most regions.
        infix = "-vpc" if self.network == "vpc" else ""
        return f"{product}{infix}.{self.region_id}.aliyuncs.com"


def read_settings(connection: Connection, region_id: str | None = None) -> Settings:
    """
    Read a connection of type ``alibabacloud_ims``, or of type ``alibaba_cloud`` from Airflow's Alibaba provider.

    :param region_id: A region that overrides the connection's.
    :raises ImsCredentialsError: if the credentials are incomplete or their type is unknown.
    :raises ImsRequestError: if another field is invalid.
    """
    if not isinstance(region_id, str | None):
        raise ImsRequestError(f"region_id: {region_id!r} is not a string", field="region_id")
    text = _extra_as_text(connection)
    _mask_url_secrets(text)
    # In connections of type alibaba_cloud, the field is named region.
    own_region = text.get("region_id") or text.get("region")
    region_id = region_id or own_region
    if region_id and not _REGION.fullmatch(region_id):
        raise ImsRequestError(
            "region_id: must be a region such as cn-shanghai, with up to 64 letters, digits and hyphens",
            field="region_id",
        )
    read = partial(_read, connection, text)
    network = read("network", "public")
    return Settings(
        region_id=region_id,
        credential=_credential(connection, text, region_id if network == "vpc" else None),
        endpoints={product: read(name) for product, name in _ENDPOINTS.items() if name in text},
        network=network,
        protocol=read("protocol", "https"),
        connect_timeout=read("connect_timeout", CONNECT_TIMEOUT),
        read_timeout=read("read_timeout", READ_TIMEOUT),
        https_proxy=text.get("https_proxy"),
        ca=text.get("ca"),
        console_url=read("console_url", CONSOLE_URL),
        smq_queue=read("smq_queue") if own_region in (None, region_id) else None,
    )


def _extra_as_text(connection: Connection) -> dict[str, str]:
    """Return the connection extras that are not empty, as strings without surrounding whitespace."""
    text = {}
    for name, value in connection.extra_dejson.items():
        try:
            text[name] = "" if value is None else encode_value(value).strip()
        except (TypeError, ValueError):
            problem = "contains a value that JSON cannot represent, such as NaN"
            raise ImsRequestError(f"Connection {connection.conn_id}: {name} {problem}", field=name) from None
    return {name: value for name, value in text.items() if value}


def _mask_url_secrets(text: Mapping[str, str]) -> None:
    """Mask the secrets inside URLs in Airflow's logs. Airflow masks the other secrets by field name."""
    from airflow.sdk.log import mask_secret

    for name in ("https_proxy", "credentials_uri"):
        try:
            url = urlsplit(text.get(name, ""))
        except ValueError:
            continue
        password = url.password or ""
        for secret in filter(None, (password, unquote(password), *(value for _, value in parse_qsl(url.query)))):
            mask_secret(secret)


# The error messages below contain the names of fields, never their values: a user may enter a secret in a wrong field.
def _credential(connection: Connection, extra: Mapping[str, str], vpc_region: str | None) -> dict[str, Any]:
    given = {name: value for name, value in extra.items() if name in _CREDENTIAL_NAMES}
    for place, name in LOGIN_FIELDS.items():
        # Whitespace is removed, as in connection extras, because a pasted line break would result in an invalid header.
        if value := (getattr(connection, place) or "").strip():
            given[name] = value
    credential_type = extra.get("credential_type", "").lower() or _inferred_type(connection, given)
    if credential_type not in CREDENTIAL_TYPES:
        raise _invalid_credentials(connection, f"credential_type is not one of {', '.join(CREDENTIAL_TYPES)}")
    _check_fields(connection, credential_type, given)
    required, optional = CREDENTIAL_TYPES[credential_type]
    credential = {name: _read(connection, given, name) for name in required + optional if name in given}
    if "sts_endpoint" in optional and vpc_region:
        # A VPC without internet access cannot reach the public STS.
        credential.setdefault("sts_endpoint", f"sts-vpc.{vpc_region}.aliyuncs.com")
    return {} if credential_type == "default" else {"type": credential_type} | credential


def _inferred_type(connection: Connection, given: Mapping[str, str]) -> str:
    """Return the first type that accepts all given fields; a type whose required fields are all given is preferred."""
    if not given:
        return "default"
    fields = {one: {*required, *optional} for one, (required, optional) in CREDENTIAL_TYPES.items()}
    accepting = [one for one, names in fields.items() if given.keys() <= names]
    if not accepting:
        places = ", ".join(_PLACES.get(name, name) for name in given)
        raise _invalid_credentials(connection, f"no credential type accepts {places} together; set credential_type")
    complete = (one for one in accepting if given.keys() >= {*CREDENTIAL_TYPES[one][0]})
    return next(complete, accepting[0])


def _check_fields(connection: Connection, credential_type: str, given: Mapping[str, str]) -> None:
    required, optional = CREDENTIAL_TYPES[credential_type]
    if missing := [name for name in required if name not in given]:
        places = " and ".join(REQUIRED_FIELDS[credential_type][name] for name in missing)
        labels = ", ".join(CONNECTION_FIELDS[name]["label"] for name in missing if name in CONNECTION_FIELDS)
        in_form = f" (in the form: {labels})" if labels else ""
        raise _invalid_credentials(connection, f"credential type {credential_type} requires {places}{in_form}")
    for name in _NEVER_IGNORED:
        if name in given and name not in required + optional:
            problem = f"{name} is set, but credential type {credential_type} does not use it: remove it, or choose "
            raise _invalid_credentials(connection, problem + " or ".join(types_with(name)))


def _invalid_credentials(connection: Connection, problem: str) -> ImsCredentialsError:
    return ImsCredentialsError(f"Connection {connection.conn_id}: {problem}")


def _read(connection: Connection, text: Mapping[str, str], name: str, default: Any = None) -> Any:
    """Return the parsed value of a field, or the default if it is not set."""
    if name not in text:
        return default
    parse, problem = _FORMATS.get(name, (str, ""))
    try:
        value = parse(text[name])
    except (ValueError, LookupError, AttributeError):
        value = None
    if value is not None:
        return value
    if name in _CREDENTIAL_NAMES and name != "sts_endpoint":
        raise _invalid_credentials(connection, f"{name} {problem}")
    raise ImsRequestError(f"Connection {connection.conn_id}: {name} {problem}", field=name)


def _choice(choices: tuple[str, ...], text: str) -> str | None:
    return text.lower() if text.lower() in choices else None


def _endpoint(text: str) -> str | None:
    return text if _ENDPOINT.fullmatch(text) else None


def _queue(text: str) -> str | None:
    return text if _QUEUE.fullmatch(text) else None


def _seconds(text: str) -> float | None:
    return float(text) if 0 < float(text) < float("inf") else None


def _session_seconds(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) and int(text) >= MIN_SESSION else None


def _policy(text: str) -> str | None:
    policy = json.loads(text)
    # The JSON is compact, because the SDK encodes a space as a plus sign when it calculates the signature, but STS does
    # not.
    return encode_value(policy) if isinstance(policy, dict) else None


def _credentials_uri(text: str) -> str | None:
    url = urlsplit(text)
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    if not url.hostname or url.username:
        return None
    host = f"[{url.hostname}]" if ":" in url.hostname else url.hostname
    # The port is explicit; otherwise, the SDK would connect to port None.
    return url._replace(netloc=f"{host}:{port}", path=url.path or "/").geturl()


def _console_url(text: str) -> str | None:
    url = text.format(product="ims", region_id="cn-shanghai", job_id="0")
    # The scheme is checked because Airflow would show a link with any scheme, such as javascript.
    return text if re.fullmatch(r"https?://\S+", url) else None


_ADDRESS = (_endpoint, "must be host[:port], without https:// and without a path")
_DURATION = (_seconds, "must be a number of seconds greater than 0")
#: Field -> its parser, and the message if the parser returns ``None`` or raises an error.
_FORMATS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "network": (partial(_choice, NETWORKS), f"is not one of {', '.join(NETWORKS)}"),
    "protocol": (partial(_choice, PROTOCOLS), f"is not one of {', '.join(PROTOCOLS)}"),
    "ims_endpoint": _ADDRESS,
    "vod_endpoint": _ADDRESS,
    "oss_endpoint": _ADDRESS,
    "sts_endpoint": _ADDRESS,
    "smq_endpoint": _ADDRESS,
    "smq_queue": (_queue, "must begin with ice-callback-, followed by letters, digits and hyphens"),
    "connect_timeout": _DURATION,
    "read_timeout": _DURATION,
    "role_session_expiration": (
        _session_seconds,
        f"must be an integer of at least {MIN_SESSION} seconds; 1800 or more is recommended, because credentials are "
        "renewed 15 minutes before they expire",
    ),
    "policy": (_policy, "is not a JSON object"),
    # A user name in the URL is rejected, because the SDK would ignore it.
    "credentials_uri": (_credentials_uri, "is not an http or https URL with a host and without a user"),
    "console_url": (
        _console_url,
        "must be an http or https URL with no placeholders other than {product}, {region_id} and {job_id}",
    ),
}
