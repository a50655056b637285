"""The service under test: the real services or an emulator, called with the official product clients."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from alibabacloud_credentials.client import Client as CredentialClient
from alibabacloud_credentials.exceptions import CredentialException
from alibabacloud_credentials.models import Config as CredentialConfig
from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_ice20201109.client import Client as IceClient
from alibabacloud_tea_openapi.models import Config, GlobalParameters, OpenApiRequest, Params
from alibabacloud_vod20170321 import models as vod_models
from alibabacloud_vod20170321.client import Client as VodClient
from darabonba.runtime import RuntimeOptions
from Tea.exceptions import TeaException

from airflow_provider_ims.emulator import ImsEmulator

#: Product -> client, request models and API version.
PRODUCTS: Mapping[str, tuple[Any, Any, str]] = {
    "ice": (IceClient, ice_models, "2020-11-09"),
    "vod": (VodClient, vod_models, "2017-03-21"),
}
#: The prefixes of the error codes for requests that the account is not allowed to send with any parameters.
ACCOUNT_CODES = ("Forbidden", "NoPermission", "OperationDenied")
CONNECT_TIMEOUT, READ_TIMEOUT = 10_000, 30_000
#: The maximum number of attempts to send a read request that is throttled, gets no response or fails with a server
#: error.
READ_ATTEMPTS = 4


@dataclass(frozen=True)
class Response:
    """
    One response of the service.

    :param action: The API action.
    :param status: The HTTP status; 0 if no valid response arrived.
    :param body: The JSON body.
    :param headers: The response headers, in lowercase; empty for an error, because the SDK does not expose them.
    :param time: When the response arrived, in seconds on the clock of the run.
    :param parameters: The parameters of the request.
    """

    product: str
    action: str
    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    time: float
    parameters: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the service accepted the request."""
        return self.status == 200

    @property
    def error(self) -> str:
        """The error code and the HTTP status. Without a response, the reason why there is none."""
        if not self.status:
            return f"no response ({self.body.get('Message')})"
        return f"{self.body.get('Code')} (HTTP {self.status})"

    @property
    def is_denied(self) -> bool:
        """Whether the account is not allowed to send this request."""
        return str(self.body.get("Code", "")).startswith(ACCOUNT_CODES)

    @property
    def is_transient(self) -> bool:
        """Whether the same request could succeed later."""
        code = str(self.body.get("Code", ""))
        throttled = self.status == 429 or code.startswith(("Throttling", "RequestsTooFrequent"))
        return throttled or not self.status or self.status >= 500


@dataclass(frozen=True)
class Access:
    """
    How to reach a service.

    :param region_id: The region.
    :param credential: The SDK's credentials client.
    :param endpoint: The URL of both products, such as that of an emulator; empty for the endpoints of the region.
    :param ca: A file of trusted certificates; empty for those of the system.
    """

    region_id: str
    credential: Any = field(repr=False)
    endpoint: str = ""
    ca: str = ""

    def config(self, product: str) -> Config:
        """Return the configuration of a product client."""
        parts = urlsplit(self.endpoint)
        # Use the documented endpoints, because the SDK's table of VOD endpoints lacks some regions.
        host = parts.netloc or f"{product}.{self.region_id}.aliyuncs.com"
        return Config(
            credential=self.credential,
            region_id=self.region_id,
            endpoint=host,
            protocol=parts.scheme or "https",
            ca=self.ca or None,
            # The host of another endpoint does not contain the region, so the query of each request specifies it.
            global_parameters=GlobalParameters(queries={"RegionId": self.region_id}) if self.endpoint else None,
        )


class NoCredentialsError(Exception):
    """Raised if the default credential chain has no credentials."""


def default_credentials() -> Any:
    """
    Return the SDK's default credential chain.

    :raises NoCredentialsError: If it has no credentials.
    """
    try:
        client = CredentialClient()
        client.get_credential()
    except CredentialException as error:
        raise NoCredentialsError(str(error)) from None
    return client


def access_key(key_id: str, secret: str, token: str = "") -> Any:
    """Return the credentials client for an AccessKey pair or for temporary credentials."""
    kind = {"type": "sts", "security_token": token} if token else {"type": "access_key"}
    return CredentialClient(CredentialConfig(access_key_id=key_id, access_key_secret=secret, **kind))


class Service:
    """
    The service under test. All responses are stored in ``responses``.

    :param access: How to reach the service.
    :param clock: A function that returns the time on the clock of the run, in seconds.
    :param sleep: A function that waits for a number of seconds of this clock.
    """

    def __init__(
        self,
        access: Access,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.access = access
        self.clock = clock
        self.sleep = sleep
        self.responses: list[Response] = []
        self._received: dict[str, Any] = {}
        self._clients = {product: self._client(product, access) for product in PRODUCTS}

    def read(self, product: str, action: str, **parameters: Any) -> Response:
        """Send a request that changes nothing, and repeat it after transient errors."""
        for attempt in range(1, READ_ATTEMPTS):
            response = self.send(product, action, parameters)
            if not response.is_transient:
                return response
            self.sleep(2.0**attempt)
        return self.send(product, action, parameters)

    def send(
        self, product: str, action: str, parameters: Mapping[str, Any], *, access: Access | None = None
    ) -> Response:
        """
        Send one request with the method of the product client, without retries.

        :param access: Another region or other credentials; default: those of the service.
        """
        models = PRODUCTS[product][1]
        client = self._clients[product] if access is None else self._client(product, access)
        # The names of the methods are the actions, converted with the client's own snake_case rules.
        name = f"{action}withoptions".lower()
        (method,) = (getattr(client, one) for one in dir(client) if one.replace("_", "") == name)
        request = getattr(models, f"{action}Request")().from_map(dict(parameters))
        return self._record(product, action, parameters, lambda: method(request, _runtime()))

    def send_unknown_action(self, product: str, action: str) -> Response:
        """Send a request for an action that the product client does not have."""
        params = Params(
            action=action,
            version=PRODUCTS[product][2],
            protocol="HTTPS",
            pathname="/",
            method="POST",
            auth_type="AK",
            style="RPC",
            req_body_type="formData",
            body_type="json",
        )
        client = self._clients[product]
        return self._record(product, action, {}, lambda: client.call_api(params, OpenApiRequest(), _runtime()))

    def _record(self, product: str, action: str, parameters: Mapping[str, Any], send: Callable[[], object]) -> Response:
        self._received = {}
        try:
            send()
        except TeaException as error:
            status, body, headers = _error(error)
        except CredentialException as error:
            status, body, headers = 0, {"Message": f"no credentials: {error}"}, {}
        except (AttributeError, LookupError, TypeError, ValueError):
            # The model of the SDK cannot represent the response.
            if not self._received:
                raise
        if self._received:
            status, headers = 200, dict(self._received["headers"])
            body = self._received["body"] if isinstance(self._received["body"], dict) else {}
        response = Response(product, action, status, body, headers, self.clock(), dict(parameters))
        self.responses.append(response)
        return response

    def _client(self, product: str, access: Access) -> Any:
        client = PRODUCTS[product][0](access.config(product))
        call_api = client.call_api

        def capture(*arguments: Any) -> Any:
            # The methods return models, which drop all fields that the SDK does not define.
            self._received = call_api(*arguments)
            return self._received

        client.call_api = capture
        return client


def emulated(emulator: ImsEmulator, region_id: str, *, ca: str = "") -> Service:
    """Return the service under test for a running emulator with a manual clock. ``sleep`` advances this clock."""
    access = Access(
        region_id,
        access_key(emulator.access_key_id, emulator.access_key_secret),
        emulator.url,
        ca,
    )
    return Service(access, clock=lambda: float(emulator.health()["time"]), sleep=emulator.advance)


def _runtime() -> RuntimeOptions:
    return RuntimeOptions(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT)


def _error(error: TeaException) -> tuple[int, dict[str, Any], dict[str, str]]:
    status = getattr(error, "status_code", None)
    if not status:
        # Remove the URL from the message, because its query contains the parameters of the request.
        return 0, {"Message": re.sub(r"with url: \S+ ", "", str(error.message or error))}, {}
    body = {name: value for name, value in (error.data or {}).items() if name != "statusCode"}
    return int(status), body, {}
