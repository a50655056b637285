"""The base class of all operators that submit jobs. It defines their common arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from math import nan
from typing import TYPE_CHECKING, Any, Unpack, get_args

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_ims._arguments import Seconds, TaskArguments
from airflow_provider_ims._config import POLL_INTERVAL
from airflow_provider_ims._submission import OnClear, OnUncertain
from airflow_provider_ims._tasks import OPERATOR_RETRY_POLICY, JobTask, retry_arguments
from airflow_provider_ims.exceptions import ImsRequestError

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.sdk import RetryPolicy

#: The default interval between polls, and the default timeout of a wait, in seconds.
DEFAULT_POLL_INTERVAL = POLL_INTERVAL.get()
TIMEOUT = 24 * 60 * 60.0
#: The maximum timeout, in seconds. Several query actions return only jobs from the last year.
MAX_TIMEOUT = 366 * 24 * 60 * 60.0


class SubmitOperator(JobTask, BaseOperator):
    """
    Submit jobs and wait until they end.

    :param ims_conn_id: The connection id; ``None`` for the default credential chain of the Alibaba Cloud SDK.
        (templated) Default: ``ims_default``.
    :param region_id: A region that overrides the connection's, such as ``cn-shanghai``. (templated)
    :param deferrable: Wait in the triggerer, so that the wait occupies no worker slot. Default:
        ``[operators] default_deferrable``.
    :param poll_interval: Seconds between polls of a job, or a ``timedelta``. (templated) Default:
        ``[ims] poll_interval`` (10).
    :param timeout: The maximum time for which each try waits, in seconds or as a ``timedelta``. (templated) Default:
        86,400 (one day).
    :param on_uncertain: What to do if a submit request receives no response and its job is not found: ``submit`` again,
        which may create a second billed job, or ``fail`` so that you can decide. Default: ``submit``.
    :param on_clear: What to do after a user has cleared the task. ``new`` submits a new job. ``rejoin`` joins the job
        that was submitted before the clear: the task waits for this job and returns its result. If the job failed, a
        new job is submitted. ``auto`` works like ``new`` if the parameters have changed, if the result was already
        collected, or if ``cancel_on_kill`` cancels the job; in all other cases, it works like ``rejoin``. Requires
        Airflow 3.3: in earlier versions, a cleared task always submits a new job. Default: ``auto``.
    :param cancel_on_kill: Cancel the job, if the service supports this, when a user marks the waiting task as failed or
        successful. For a deferred task, this requires Airflow 3.3. After a deferred task has been cleared, its job is
        also cancelled if ``on_clear`` is ``new``; with ``auto``, this applies only to operators that submit a single
        job. If no later try can join the job, it is also cancelled when the wait times out or the worker stops the
        task. Default: true.
    :param multiple_outputs: Also push each key of the result as an XCom, so that ``task.output["job_id"]`` works.
        Default: true, whereas Airflow's default is false.
    :param retry_policy: Decides, depending on the error, whether a failed task is retried. Requires Airflow 3.3.
        ``None`` retries after every error except ``AirflowFailException``. Default:
        :class:`~airflow_provider_ims.policies.retry.ImsRetryPolicy`.
    """

    template_fields: Sequence[str] = ("ims_conn_id", "region_id", "poll_interval", "timeout")
    ui_color = "#ffe8d6"

    def __init__(
        self,
        *,
        ims_conn_id: str | None = "ims_default",
        region_id: str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: Seconds = DEFAULT_POLL_INTERVAL,
        timeout: Seconds = TIMEOUT,
        on_uncertain: OnUncertain = "submit",
        on_clear: OnClear = "auto",
        cancel_on_kill: bool = True,
        multiple_outputs: bool = True,
        retry_policy: RetryPolicy | None = OPERATOR_RETRY_POLICY,
        **kwargs: Unpack[TaskArguments],
    ) -> None:
        super().__init__(multiple_outputs=multiple_outputs, **retry_arguments(retry_policy), **kwargs)
        self.ims_conn_id = ims_conn_id
        self.region_id = region_id
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        check_choice("on_uncertain", on_uncertain, OnUncertain)
        check_choice("on_clear", on_clear, OnClear)
        self.on_uncertain = on_uncertain
        self.on_clear = on_clear
        self.cancel_on_kill = cancel_on_kill

    def deadline(self, context: Context, wait_started_at: float) -> float:
        """Return the time at which ``timeout`` or ``execution_timeout`` ends the wait, in epoch seconds."""
        deadline = wait_started_at + seconds("timeout", self.timeout)
        ti: Any = context.get("ti")
        if self.execution_timeout is None or ti is None:
            return deadline
        # Airflow does not enforce the execution timeout on a deferred task.
        return min(deadline, float(ti.start_date.timestamp()) + self.execution_timeout.total_seconds())


def check_choice(name: str, value: Any, choices: Any) -> None:
    """Raise an ``ImsRequestError`` unless an argument is one of the values of a ``Literal``."""
    if value not in get_args(choices):
        raise ImsRequestError(f"{name}: {value!r} is not one of {', '.join(get_args(choices))}", field=name)


def seconds(name: str, value: Any) -> float:
    """
    Return an argument, which is a number of seconds or a ``timedelta``, as a number of seconds.

    :raises ImsRequestError: If it is not a positive number, or exceeds 366 days.
    """
    value = value.total_seconds() if isinstance(value, timedelta) else value
    expected = f"of seconds greater than 0 and at most {MAX_TIMEOUT:,.0f} (366 days)"
    return _number(name, value, expected, lambda number: 0 < number <= MAX_TIMEOUT)


def positive(name: str, value: Any, limit: float) -> float:
    """
    Return an argument as a positive number.

    :raises ImsRequestError: If it is not a number from 0 (exclusive) to ``limit``.
    """
    return _number(name, value, f"greater than 0 and at most {limit:,}", lambda number: 0 < number <= limit)


def whole(name: str, value: Any, limit: int) -> int:
    """
    Return an argument, rounded down to an integer.

    :raises ImsRequestError: If it is not a number from 1 to ``limit``.
    """
    return int(_number(name, value, f"from 1 to {limit:,}", lambda number: 1 <= number <= limit))


def _number(name: str, value: Any, expected: str, accepts: Callable[[float], bool]) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = nan
    if not accepts(number):
        raise ImsRequestError(f"{name}: {value!r} is not a number {expected}", field=name)
    return number
