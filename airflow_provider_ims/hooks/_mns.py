"""
Extends the SDK of SMQ, ``aliyun-mns-sdk``, with timeouts, a proxy, a CA and thread safety.

The SDK's HTTPS connections have no timeout, and its client is not thread-safe. Import this module lazily: it imports
the SDK, which takes 0.4 seconds. The SDK is an optional dependency, which the package extra ``smq`` installs.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mns.auth import Credentials
from mns.mns_client import MNSClient
from mns.mns_exception import MNSClientNetworkException, MNSClientParameterException, MNSServerException
from mns.mns_http import RequestInternal, ResponseInternal
from mns.queue import Queue as SdkQueue
from requests import PreparedRequest, Session

from airflow_provider_ims.exceptions import (
    ImsCredentialsError,
    ImsError,
    ImsPermissionError,
    ImsRequestError,
    ImsUnavailableError,
)
from airflow_provider_ims.hooks._errors import MESSAGE_GONE, convert_sdk_error, service_error
from airflow_provider_ims.hooks._sdk import credential_client
from airflow_provider_ims.hooks._settings import Settings

_REQUEST_ID = "x-mns-request-id"
#: Characters that XML does not permit, and references to them. One message with such a character would make the whole
#: response unreadable.
_ILLEGAL = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|&#(?:[0-8]|1[124-9]|2\d|3[01]|x(?:[0-8bcef]|1[0-9a-f]));", re.IGNORECASE
)


class Queue(SdkQueue):  # type: ignore[misc]
    """The SDK's queue, with the decoding of message bodies turned off."""

    def __init__(self, name: str, client: Client) -> None:
        super().__init__(name, client)
        self.set_encoding(False)

    def delete_messages(self, receipt_handles: Sequence[str]) -> list[str]:
        """Delete at most 16 messages, and return the handles that were no longer valid."""
        try:
            self.batch_delete_message(list(receipt_handles))
        except MNSServerException as error:
            entries: list[dict[str, str]] = error.sub_errors or []
            if not entries and error.type in MESSAGE_GONE:
                return list(receipt_handles)
            for entry in entries:
                if entry["ErrorCode"] not in MESSAGE_GONE:
                    error.type, error.message = entry["ErrorCode"], entry["ErrorMessage"]
            if error.type not in MESSAGE_GONE:
                raise
            return [entry["ReceiptHandle"] for entry in entries]
        return []


class Client(MNSClient):  # type: ignore[misc]
    """The SDK's client, for use in one thread."""

    def __init__(self, settings: Settings, endpoint: str, credentials: _CredentialsProvider) -> None:
        super().__init__(f"{settings.protocol}://{endpoint}", credentials_provider=credentials)
        self.http = _Http(settings, endpoint)

    def queue(self, name: str) -> Queue:
        """Return a queue by its name."""
        return Queue(name, self)

    def convert(self, error: Exception, action: str, queue: str) -> ImsError:
        """Convert an exception of the SDK, of its connection or of the credentials provider into an ``ImsError``."""
        ram_action = f"mns:{action}"
        failure: ImsError
        if isinstance(error, MNSClientParameterException):
            failure = ImsRequestError(f"The request is invalid: {error.message}")
        elif isinstance(error, MNSServerException):
            data = {"Code": error.type, "Message": error.message, "RequestId": error.req_id or self.http.request_id}
            failure = service_error(data, self.http.status, ram_action)
            if isinstance(failure, ImsPermissionError):
                failure.message += ", and check that smq_endpoint is the endpoint of the queue's account"
        elif not isinstance(error, MNSClientNetworkException):
            failure = convert_sdk_error(error, action, ram_action, self.host)
        elif self.http.status >= 400:
            failure = service_error({"RequestId": self.http.request_id}, self.http.status, ram_action)
        else:
            # The text of the exception is not used, because it contains the whole response.
            failure = ImsUnavailableError(f"Unexpected response format from {self.host}: not the XML of SMQ")
        failure.action = action
        failure.message += f"; queue {queue}"
        return failure


class Clients:
    """One client for each thread. All clients share the credentials of a connection."""

    def __init__(self, settings: Settings, endpoint: str) -> None:
        if settings.ca is not None and not Path(settings.ca).exists():
            raise ImsRequestError(f"The connection's ca, {settings.ca}, does not exist on this machine", field="ca")
        self._settings = settings
        self._endpoint = endpoint
        self._credentials = _CredentialsProvider(credential_client(settings))
        self._of_thread = threading.local()

    def of_this_thread(self) -> Client:
        """Return the client of this thread."""
        client: Client | None = getattr(self._of_thread, "client", None)
        if client is None:
            client = self._of_thread.client = Client(self._settings, self._endpoint, self._credentials)
        return client


class _Http:
    """
    Replaces the SDK's class for sending requests, and adds timeouts, a proxy and a CA.

    :ivar wait: Seconds for which the service may keep the next request open; added to the read timeout.
    :ivar status: The HTTP status of the last response.
    :ivar request_id: The request id of the last response.
    """

    def __init__(self, settings: Settings, endpoint: str) -> None:
        self.wait = 0.0
        self.status = 0
        self.request_id: str | None = None
        self._settings = settings
        self._url = f"{settings.protocol}://{endpoint}"
        self._session = Session()
        # If the connection has no proxy, the proxies from environment variables apply.
        self._options: dict[str, Any] = {"verify": settings.ca or True, "allow_redirects": False}
        if settings.https_proxy:
            self._options["proxies"] = {"https": settings.https_proxy}

    def is_keep_alive(self) -> bool:
        return True

    def send_request(self, request: RequestInternal) -> ResponseInternal:
        self.status, self.request_id = 0, None
        # session.request() is not used, because it would replace the signature with a password from ~/.netrc.
        prepared = PreparedRequest()
        prepared.prepare(
            method=request.method, url=self._url + request.uri, headers=request.header, data=request.data or None
        )
        timeout = (self._settings.connect_timeout, self._settings.read_timeout + self.wait)
        response = self._session.send(prepared, timeout=timeout, **self._options)
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.status, self.request_id = response.status_code, headers.get(_REQUEST_ID)
        # The SDK requires this header.
        headers.setdefault(_REQUEST_ID, "")
        text = _ILLEGAL.sub("\ufffd", response.content.decode(errors="replace"))
        return ResponseInternal(response.status_code, headers, text)


class _CredentialsProvider:
    """The credentials of a connection, in the form that the SDK of SMQ requires."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def get_credentials(self) -> Credentials:
        found = self._client.get_credential()
        if not found.access_key_id or not found.access_key_secret:
            raise ImsCredentialsError("The credential type of the connection cannot sign requests to SMQ")
        return Credentials(found.access_key_id, found.access_key_secret, found.security_token or "")
