"""The base class of the hooks of IMS and VOD, which creates the client and calls the API with retries."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import quote

from airflow_provider_ims.exceptions import (
    ImsError,
    ImsRequestError,
    ImsResourceNotFoundError,
    ImsThrottledError,
    ImsUnavailableError,
)
from airflow_provider_ims.hooks._actions import Action, Product, unknown_action
from airflow_provider_ims.hooks._connected import ConnectedHook
from airflow_provider_ims.hooks._encoding import encode_value, flatten
from airflow_provider_ims.hooks._errors import convert_sdk_error
from airflow_provider_ims.hooks.smq import SmqHook

#: The maximum number of attempts per call, not counting throttled requests.
ATTEMPTS = 6
#: Once the pauses of a call have taken this number of seconds in total, a throttled request is not retried again.
THROTTLE_TIMEOUT = 600.0
#: The maximum backoff, in seconds. A longer ``retry_after`` is reduced to this value.
MAX_PAUSE = 20.0


class AlibabaCloudMediaHook(ConnectedHook):
    """
    Base class of the hooks of IMS and VOD, which use the same connection.

    :param ims_conn_id: The id of the Airflow connection; ``None`` for the SDK's default credential chain. In this
        case, ``region_id`` is required. Default: ``ims_default``.
    :param region_id: A region that overrides the connection's, such as ``cn-shanghai``.
    """

    product: ClassVar[Product]
    #: The name of the product in the URL of its console.
    console: ClassVar[str]
    #: A free read-only action that needs no job, and its parameters, for the connection test.
    probe: ClassVar[tuple[str, Mapping[str, str]]]

    @cached_property
    def client(self) -> Any:
        """The SDK's generic client, which the methods of the product clients call."""
        from airflow_provider_ims.hooks import _sdk as sdk

        return sdk.Client(self._client_config())

    def _client_config(self) -> Any:
        from airflow_provider_ims.hooks import _sdk as sdk

        return sdk.client_config(self.settings, self.settings.endpoint(self.product.code))

    def connect(self) -> None:
        """
        Read the connection and create the client, without sending a request.

        :raises ImsError: if the connection is incomplete or invalid.
        """
        _ = self.client

    def console_link(self, job_id: str) -> str:
        """Return the URL of a job in the console, from the connection's ``console_url``."""
        return self.settings.console_url.format(
            product=self.console, region_id=self.settings.region_id or "", job_id=quote(job_id, safe="")
        )

    def call(
        self,
        action: str,
        params: Mapping[str, Any],
        *,
        attempts: int = ATTEMPTS,
        throttle_timeout: float = THROTTLE_TIMEOUT,
    ) -> dict[str, Any]:
        """
        Call an API action and return the body of the response.

        A read-only action is retried with randomized exponential backoff after throttling, server errors, lost
        connections and unreadable responses. Any other action is retried only if the service certainly did not accept
        the request: it was throttled, or it was never sent, because the endpoint could not be reached or the
        credentials could not be obtained.

        :param action: The API action, such as ``ListSmartJobs`` of IMS or ``GetVideoInfo`` of VOD. An action that is
            unknown to this provider is sent too, because the service may have newer actions.
        :param params: The parameters, with their API names as keys. A parameter with the value ``None`` is omitted. A
            dict or a list is sent in the format that the API expects, which is nearly always JSON.
        :param attempts: The maximum number of attempts, not counting throttled requests. Default: 6.
        :param throttle_timeout: Once the pauses of this call have taken this number of seconds in total, a throttled
            request is not retried again. Default: 600.
        :return: The JSON object, including ``RequestId``.
        :raises ImsError: the subclass depends on the service's error code.
        """
        request = self.product.action(action)
        parameters = _encode(request, params)
        failures, paused, longest_backoff = 0, 0.0, 1.0
        while True:
            retry_after = 0.0
            try:
                return self._send(request, parameters)
            except ImsThrottledError as error:
                if paused >= throttle_timeout:
                    raise
                reason, retry_after = str(error), min(error.retry_after or 0.0, MAX_PAUSE)
            except ImsUnavailableError as error:
                failures += 1
                if failures >= attempts or not (request.reads or error.accepted is False):
                    raise
                reason = str(error)
            # The random part of the pause spreads the retries of clients that received the same retry_after.
            backoff = random.uniform(0, longest_backoff)
            longest_backoff = min(2 * longest_backoff, MAX_PAUSE)
            pause = retry_after + backoff / 2 if retry_after else backoff
            self.log.warning("%s; retrying %s in %.1f s", reason, action, pause)
            time.sleep(pause)
            paused += pause

    def _send(self, action: Action, parameters: Mapping[str, str]) -> dict[str, Any]:
        from airflow_provider_ims.hooks import _sdk as sdk

        client, endpoint = self.client, self.settings.endpoint(self.product.code)
        failure: ImsError
        try:
            body = sdk.send(client, action, parameters)
        except Exception as error:  # noqa: BLE001
            # The SDK's exceptions have no common base class, and a malformed response can cause almost any exception.
            failure = convert_sdk_error(error, action.name, f"{self.product.code}:{action.name}", endpoint)
            if (failure.code or "").startswith("InvalidAction") and action.name not in self.product.actions:
                failure.message += f"; {unknown_action(self.product, action.name)}"
        else:
            if isinstance(body, dict):
                return body
            problem = f"Unexpected response format: {type(body).__name__} instead of a JSON object"
            failure = ImsUnavailableError(problem, action=action.name)
        # Raised outside of the except block: the SDK's error contains the request and must not become the context
        # of the raised error.
        raise failure

    def test_connection(self) -> tuple[bool, str]:
        """
        Call a read-only action that is free of charge and, if ``smq_queue`` is set, test this queue.

        Airflow's Test button calls this method.

        :return: Whether the test succeeded, and a message that describes the outcome and contains no secrets.
        """
        from airflow_provider_ims.hooks._clock import clock_difference

        action, parameters = self.probe
        endpoint = ""
        try:
            endpoint = self.settings.endpoint(self.product.code)
            self.call(action, parameters, attempts=2, throttle_timeout=2.0)
        except ImsResourceNotFoundError:
            pass  # The service processed the request, so endpoint, credentials and permissions are valid.
        except ImsError as error:
            message = str(error)
            if (error.code or "").startswith("InvalidTimeStamp"):
                difference = clock_difference(self.settings, endpoint)
                message += f"; the clock is {difference}" if difference else ""
            return False, message if endpoint in message else f"{message}; endpoint: {endpoint}"
        succeeded, message = True, f"{action} succeeded at {endpoint}"
        if self.settings.smq_queue:
            succeeded, of_queue = SmqHook(self.ims_conn_id, self.region_id).test_connection()
            message += f"; {of_queue}"
        return succeeded, message


def _encode(action: Action, params: Mapping[str, Any]) -> dict[str, str]:
    encoded: dict[str, str] = {}
    for name, value in params.items():
        try:
            if action.parameters.get(name) == "repeated":
                encoded |= flatten(name, value)
            elif value is not None:
                encoded[name] = encode_value(value)
        except (TypeError, ValueError) as error:
            problem = f"{name} cannot be encoded as JSON: {error}"
            raise ImsRequestError(problem, field=name, action=action.name) from None
    return encoded
