"""The base classes of the sensors, which wait for jobs that another task or system has submitted."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Unpack

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_ims._arguments import BaseSensorArguments, JobsSensorArguments, SensorArguments
from airflow_provider_ims._config import POLL_INTERVAL
from airflow_provider_ims._jobs.api_caller import LimitedRetries
from airflow_provider_ims._jobs.family import JobFamily, chunks
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.kinds import family_of, is_submit_action, kind_of
from airflow_provider_ims._tasks import SENSOR_RETRY_POLICY, JobTask, retry_arguments
from airflow_provider_ims._waiting.monitor import (
    TOLERATED_ERRORS,
    JobMonitor,
    Observation,
    describe_jobs,
    log_progress,
    poll_once,
)
from airflow_provider_ims.exceptions import ImsError, ImsJobTimeoutError, ImsRequestError
from airflow_provider_ims.hooks._actions import Product
from airflow_provider_ims.links import MediaLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context
    from airflow.sdk import RetryPolicy

    from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

DEFAULT_POKE_INTERVAL = POLL_INTERVAL.get()
#: The string that Jinja renders for an XCom that does not exist.
NO_XCOM = "None"


class JobSensor(JobTask, BaseSensorOperator):
    """
    Wait for jobs that another task or system has submitted.

    :param ims_conn_id: The connection id; ``None`` for the default credential chain of the Alibaba Cloud SDK.
        (templated) Default: ``ims_default``.
    :param region_id: A region that overrides the connection's, such as ``cn-shanghai``. (templated)
    :param fail_on_partial_failure: Fail the task if any job, or any part of a job, failed. If false, the task fails
        only if all jobs failed, and the result of a failed job is ``{"job_id", "state", "error_code",
        "error_message"}``. The keys ``input`` and ``failed`` are added if the service returns the input or the failed
        parts. Default: false.
    :param deferrable: Wait in the triggerer, so that the wait occupies no worker slot. Default:
        ``[operators] default_deferrable``.
    :param multiple_outputs: Also push each key of the result as an XCom, so that ``sensor.output["state"]`` works.
        Default: true for a sensor that waits for one job, because its result is a dict, and false for all others.
    :param poke_interval: Seconds between polls, or a timedelta. Default: ``[ims] poll_interval`` (10).
    :param retry_policy: Decides, depending on the error, whether a failed sensor is retried. Requires Airflow 3.3.
        ``None`` retries after every error except ``AirflowFailException`` and a timeout of the sensor. Default:
        :class:`~airflow_provider_ims.policies.retry.ImsRetryPolicy` with ``retry_failed_jobs=False``.
    :param kwargs: Other arguments of Airflow's sensors, such as ``timeout``, ``soft_fail`` (skip on a timeout; a
        failed job still fails the sensor), ``never_fail`` (skip instead of failing) and ``mode``.
    """

    template_fields: Sequence[str] = ("ims_conn_id", "region_id")
    ui_color = "#ffe8d6"
    #: Whether the result of the task is a dict.
    returns_dict = False

    def __init__(
        self,
        *,
        ims_conn_id: str | None = "ims_default",
        region_id: str | None = None,
        fail_on_partial_failure: bool = False,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: timedelta | float = DEFAULT_POKE_INTERVAL,
        multiple_outputs: bool | None = None,
        retry_policy: RetryPolicy | None = SENSOR_RETRY_POLICY,
        **kwargs: Unpack[BaseSensorArguments],
    ) -> None:
        if multiple_outputs is None:
            multiple_outputs = self.returns_dict
        given = retry_arguments(retry_policy)
        super().__init__(poke_interval=poke_interval, multiple_outputs=multiple_outputs, **given, **kwargs)
        self.ims_conn_id = ims_conn_id
        self.region_id = region_id
        self.fail_on_partial_failure = fail_on_partial_failure
        self.deferrable = deferrable
        self._monitors: dict[str, JobMonitor] = {}
        self._ended: dict[str, Job] = {}

    def awaited_ids(self) -> list[str]:
        """Return the ids of the jobs."""
        raise NotImplementedError

    def result(self, results: list[dict[str, Any]]) -> Any:
        """Return the result of the task, given the results of its jobs in the order of the job ids."""
        return results

    def execute(self, context: Context) -> Any:
        """
        Poll the jobs, and wait for those that have not ended.

        :param context: The task's context.
        :return: The result that the operator for the job's kind would return, or a list of such results.
        :raises ImsJobFailedError: if all jobs failed, or if ``fail_on_partial_failure`` is true and a job or a part of
            a job failed.
        :raises AirflowSensorTimeout: if a job did not end before the timeout, whether or not the sensor is deferrable.
            With ``soft_fail`` or ``never_fail``, the task is skipped instead.
        :raises ImsError: if the jobs cannot be queried.
        """
        if self.deferrable:
            deadline = time.time() + float(self.timeout)
            with self._skip_if_never_fail():
                first_poll = self.poke(context)
            if isinstance(first_poll, PokeReturnValue):
                return first_poll.xcom_value
            self.defer_wait(self.awaited_ids(), deadline=deadline, poll_interval=float(self.poke_interval))
        try:
            return super().execute(context)
        except (AirflowSensorTimeout, AirflowSkipException) as error:
            seen = {job_id: one.last_seen for job_id, one in self._monitors.items() if job_id not in self._ended}
            if not seen:
                raise
            raise type(error)(f"{error} Jobs that have not ended: {describe_jobs(seen)}") from error.__cause__

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """
        Resume the task with the trigger's event, and return the results of the jobs.

        :param context: The task's context.
        :param event: The event of the trigger.
        :return: Same as :meth:`execute`.
        """
        with self._skip_if_never_fail():
            try:
                return self._complete_all(context, self.ended_jobs(event)[0])
            except ImsJobTimeoutError as error:
                if self.soft_fail:
                    # With soft_fail, Airflow replaces the message of the error.
                    self.log.warning("%s", error)
                raise AirflowSensorTimeout(str(error)) from None

    @contextmanager
    def _skip_if_never_fail(self) -> Iterator[None]:
        """Skip instead of failing if ``never_fail`` is set, as Airflow does for a sensor that is not deferred."""
        try:
            yield
        # Up to version 3.1.3, Airflow itself does not skip a deferred sensor that times out.
        except (ImsError, AirflowSensorTimeout) as error:
            if self.never_fail:
                raise AirflowSkipException(f"Skipping due to never_fail: {error}") from error
            raise

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """
        Poll the jobs that have not ended.

        :param context: The task's context.
        :return: A ``PokeReturnValue`` with the result if all jobs have ended; otherwise ``False``.
        """
        job_ids = self.awaited_ids()
        hook = self.new_hook()
        is_first_poke, wait_started_at = self._wait_start(context)
        if is_first_poke:
            # At the first poke, a missing connection is a user error, so the task fails. At later pokes, it may only
            # mean that the secrets backend is unavailable, so the sensor continues to wait.
            hook.connect()
        # In reschedule mode, no state is kept between pokes, so the sensor cannot count consecutive errors. The first
        # permanent error ends the wait.
        tolerated_errors = 1 if self.reschedule else TOLERATED_ERRORS
        for job_id, observation in self._poll(hook, [job_id for job_id in job_ids if job_id not in self._ended]):
            monitor = self._monitors.setdefault(job_id, JobMonitor(job_id, wait_started_at, tolerated_errors))
            event = monitor.update(observation, time.time())
            if event is not None:
                log_progress(self.log, event, wait_started_at=wait_started_at)
            if isinstance(event, Job):
                self.push_console_link(context, hook, event.id)
                if event.ended:
                    self._ended[job_id] = event
        if any(job_id not in self._ended for job_id in job_ids):
            return False
        return PokeReturnValue(True, self._complete_all(context, [self._ended[job_id] for job_id in job_ids]))

    def _poll(self, hook: AlibabaCloudMediaHook, job_ids: Sequence[str]) -> Iterator[tuple[str, Observation]]:
        # The next poke repeats a failed query, so the hook does not have to retry it.
        caller = LimitedRetries(hook)
        for chunk in chunks(job_ids, self.family.ids_per_query):
            try:
                hook.reconnect()
            except ImsError as error:
                yield from ((job_id, error) for job_id in chunk)
            else:
                yield from poll_once(self.family, caller, chunk).items()

    def _wait_start(self, context: Context) -> tuple[bool, float]:
        """Return whether this is the first poke, and the time of the first poke in epoch seconds."""
        if self._monitors:
            return False, min(monitor.started_at for monitor in self._monitors.values())
        if self.reschedule:
            ti: Any = context["ti"]
            if first_poke := ti.get_first_reschedule_date(context):
                return False, float(first_poke.timestamp())
        return True, time.time()

    def _complete_all(self, context: Context, jobs: list[Job]) -> Any:
        failures = {job.id: error for job in jobs if (error := self.failure_of(job))}
        if failures and (self.fail_on_partial_failure or len(failures) == len(jobs)):
            MediaLink().record_failure(context, [job.outcome() for job in jobs])
            first = next(iter(failures.values()))
            message = f"{len(failures)} of {len(jobs)} jobs failed: {'; '.join(map(str, failures.values()))}"
            raise replace(first, message=message, code=None, request_id=None) if len(jobs) > 1 else first
        for error in failures.values():
            self.log.warning("%s", error)
        return self.result([job.outcome() if job.id in failures else self.complete(context, job) for job in jobs])


class SingleJobSensor(JobSensor):
    """
    Wait for one job.

    :param job_id: The job id. (templated)
    :param kwargs: Arguments of :class:`JobSensor`.
    """

    template_fields: Sequence[str] = ("job_id", *JobSensor.template_fields)
    returns_dict = True

    def __init__(self, *, job_id: str, **kwargs: Unpack[SensorArguments]) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id

    def awaited_ids(self) -> list[str]:
        """Return the id of the job."""
        if not isinstance(self.job_id, str) or self.job_id.strip() in ("", NO_XCOM):
            raise ImsRequestError(f"job_id: {self.job_id!r} is not a job id", field="job_id")
        return [self.job_id.strip()]

    def result(self, results: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the job's result."""
        return results[0]


class JobsSensor(JobSensor):
    """
    Wait for several jobs until all of them have ended.

    :param job_ids: The job ids: a list, or a string in which they are separated by commas or spaces. (templated)
    :param kwargs: Arguments of :class:`JobSensor`.
    """

    template_fields: Sequence[str] = ("job_ids", *JobSensor.template_fields)

    def __init__(self, *, job_ids: Sequence[str] | str, **kwargs: Unpack[SensorArguments]) -> None:
        super().__init__(**kwargs)
        self.job_ids = job_ids

    def awaited_ids(self) -> list[str]:
        """Return the ids of the jobs, without duplicates."""
        given = [self.job_ids] if isinstance(self.job_ids, str) else self.job_ids
        if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) for one in given):
            raise ImsRequestError(f"job_ids: {given!r} is neither a string nor a list of strings", field="job_ids")
        # Jinja renders a list as Python source, with brackets and quotes.
        ids = [job_id for one in given for job_id in re.findall(r"[\w-]+", one)]
        if not ids or NO_XCOM in ids:
            problem = f"contains no job id, or contains {NO_XCOM} (the value of a missing XCom)"
            raise ImsRequestError(f"job_ids: {self.job_ids!r} {problem}", field="job_ids")
        return list(dict.fromkeys(ids))


class AnyJobSensor(JobsSensor):
    """Base class of ``ImsJobSensor`` and ``VodJobSensor``, which wait for jobs of any kind."""

    product: Product
    template_fields: Sequence[str] = ("job", *JobsSensor.template_fields)

    def __init__(self, *, job: str, **kwargs: Unpack[JobsSensorArguments]) -> None:
        super().__init__(**kwargs)
        self.job = job

    @property
    def family(self) -> JobFamily:  # type: ignore[override]  # a class attribute in the other sensors
        """The family of the jobs, available after the templates are rendered."""
        if is_submit_action(self.job):
            return kind_of(self.job, self.product).family
        return family_of(self.job, self.product)
