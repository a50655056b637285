"""What the hooks of both products share: connection -> credentials -> client, and one call with its errors."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

from airflow.providers.common.compat.sdk import BaseHook

from airflow_provider_ims.exceptions import (
    ImsError,
    ImsThrottledError,
    ImsUnavailableError,
)
from airflow_provider_ims.hooks.errors import from_sdk
from airflow_provider_ims.hooks.settings import read_settings

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from airflow_provider_ims.hooks.actions import Action, Product
    from airflow_provider_ims.hooks.settings import Settings

#: How often a call that fails is sent at most, for how long throttling is waited out, and the longest pause between
#: two sends; in seconds.
ATTEMPTS = 6
THROTTLE_TIMEOUT = 600.0
LONGEST_PAUSE = 20.0


class AlibabaCloudMediaHook(BaseHook):
    """
    Base of the hooks of IMS and VOD; one connection serves both.

    :param ims_conn_id: The Airflow connection. Default: ``ims_default``.
    :param region_id: A region that goes over the connection's, such as ``cn-shanghai``.
    """

    conn_name_attr = "ims_conn_id"
    default_conn_name = "ims_default"
    conn_type = "alibabacloud_ims"
    hook_name = "Alibaba Cloud IMS"

    product: ClassVar[Product]
    #: The module of the product SDK's request models.
    models: ClassVar[str]
    #: The product's name in the address of its console.
    console: ClassVar[str]
    #: A read that needs no job and costs nothing: action and parameters.
    probe: ClassVar[tuple[str, Mapping[str, str]]]

    def __init__(self, ims_conn_id: str = default_conn_name, region_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ims_conn_id = ims_conn_id
        self.region_id = region_id

    @cached_property
    def settings(self) -> Settings:
        """What the connection says; looked up once."""
        return read_settings(self.get_connection(self.ims_conn_id), self.region_id)

    @cached_property
    def client(self) -> Any:
        """The SDK's generic client, which every method of the product clients ends in."""
        from airflow_provider_ims.hooks import sdk

        return sdk.Client(self._client_config())

    def _client_config(self) -> Any:
        from airflow_provider_ims.hooks import sdk

        return sdk.client_config(self.settings, self.settings.endpoint(self.product.code))

    def connect(self) -> None:
        """
        Look the connection up and make the client, so that what is wrong there is known now.

        :raises ImsError: when the connection is not complete.
        """
        _ = self.client

    def reconnect(self) -> None:
        """
        Do as :meth:`connect` for a connection that was resolved before, by the task that submitted the job.

        :raises ImsUnavailableError: when Airflow cannot resolve the connection, which is transient then: Airflow also
            says that a connection is not defined when the secrets backend is unavailable.
        :raises ImsError: when the connection is not complete.
        """
        try:
            self.connect()
        except ImsError:
            raise
        except Exception as error:
            raise ImsUnavailableError(
                f"Connection {self.ims_conn_id} could not be resolved: {type(error).__name__}: {error}", accepted=False
            ) from error

    def console_link(self, job_id: str) -> str:
        """
        Return the console's address for a job, by the connection's ``console_url``.

        :param job_id: The job.
        """
        return self.settings.console_url.format(
            product=self.console, region_id=self.settings.region_id or "", job_id=quote(job_id, safe="")
        )

    @classmethod
    def sdk_parameters(cls, action: str) -> tuple[str, ...]:
        """
        Return the parameters that the installed product SDK knows for an action; it takes a second or two to load.

        :param action: The API action, such as ``SubmitASRJob``.
        """
        request = getattr(import_module(cls.models), f"{action}Request", None)
        if request is None:
            return ()
        asked = _Asked()
        request().from_map(asked)
        return tuple(asked.names)

    def call(
        self,
        action: str,
        params: Mapping[str, Any],
        *,
        attempts: int = ATTEMPTS,
        throttle_timeout: float = THROTTLE_TIMEOUT,
    ) -> dict[str, Any]:
        """
        Call an API action and return the answer's body.

        An action that only reads is repeated, with growing and random pauses, after throttling, server errors
        and lost connections. Any other is repeated only when it is certain that it was not accepted: it was
        throttled, or no connection was made.

        :param action: The API action, such as ``SubmitTextGenerateJob``.
        :param params: The API's parameters under their own names; ``None`` leaves one out, a dict or a list is
            sent as JSON.
        :param attempts: How often the request may be sent, throttled ones not counted. Default: 6.
        :param patience: Seconds for which throttling is waited out. Default: 600.
        :return: The answer's JSON object, ``RequestId`` included.
        :raises ImsError: one of its kinds, by the service's error code.
        """
        from tenacity import Retrying, retry_if_exception, wait_random_exponential

        sent_as = self.product.action(action)
        parameters = {name: _as_text(value) for name, value in params.items() if value is not None}
        backoff = wait_random_exponential(multiplier=1, max=LONGEST_PAUSE)
        failures = 0

        def enough(state: RetryCallState) -> bool:
            nonlocal failures
            if isinstance(_error_of(state), ImsThrottledError):
                return state.idle_for >= throttle_timeout
            failures += 1
            return failures >= attempts

        def pause(state: RetryCallState) -> float:
            error = _error_of(state)
            asked_for = error.retry_after if isinstance(error, ImsThrottledError) else None
            # Up to a half more than asked for, so that those who were told the same do not come back together.
            return min(asked_for, LONGEST_PAUSE) + backoff(state) / 2 if asked_for else backoff(state)

        def log_pause(state: RetryCallState) -> None:
            self.log.warning("%s; sending %s again in %.1f s", _error_of(state), action, state.upcoming_sleep)

        retrying = Retrying(
            retry=retry_if_exception(lambda error: _may_repeat(error, sent_as)),
            stop=enough,
            wait=pause,
            before_sleep=log_pause,
            sleep=time.sleep,
            reraise=True,
        )
        return retrying(self._send, sent_as, parameters)

    def _send(self, action: Action, parameters: Mapping[str, str]) -> dict[str, Any]:
        from airflow_provider_ims.hooks import sdk

        client, endpoint = self.client, self.settings.endpoint(self.product.code)
        failure: ImsError | None = None
        body: Any = None
        try:
            body = sdk.send(client, action, parameters)
        except Exception as error:  # noqa: BLE001
            # Everything: what the SDK raises has no common root, and a garbled answer ends in whatever its
            # reading stumbled over.
            failure = from_sdk(error, action, f"{self.product.code}:{action.name}", endpoint)
        if failure is not None:
            # Out here the SDK's error is no context of ours: its text repeats the request, and what could not be sent.
            raise failure
        if not isinstance(body, dict):
            raise ImsUnavailableError(f"The answer is no JSON object but {type(body).__name__}", action=action.name)
        return body

    def test_connection(self) -> tuple[bool, str]:
        """
        Make one cheap signed call, for the Test button of the Connections page.

        :return: Whether it worked, and a sentence.
        """
        from airflow_provider_ims.hooks.connection_test import run_connection_test

        return run_connection_test(self)


class _Asked(dict[str, Any]):
    """An empty mapping that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[str, None] = {}

    def __bool__(self) -> bool:
        """Not be taken for nothing."""
        return True

    def get(self, name: str, default: Any = None) -> Any:
        """Remember the name."""
        self.names[name] = None
        return default


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None


def _may_repeat(error: BaseException, action: Action) -> bool:
    if isinstance(error, ImsThrottledError):
        return True
    return isinstance(error, ImsUnavailableError) and (action.reads or error.accepted is False)


def _as_text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value).lower() if isinstance(value, bool) else str(value)
