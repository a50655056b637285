"""The sensor that all job families share: wait for jobs that something else submitted."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    PokeReturnValue,
    conf,
)

from airflow_provider_ims.exceptions import ImsError, ImsJobTimeoutError, ImsRequestError
from airflow_provider_ims.jobs.family import JobFamily, chunks
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.jobs.kinds import family_of, kind_of
from airflow_provider_ims.tasks import BACKSTOP, JobTask
from airflow_provider_ims.waiting.monitor import TOLERATED_ERRORS, JobMonitor, Observation, log_progress, poll_once

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook

#: What Jinja makes of an XCom that is not there.
NOTHING = "None"


class JobSensor(JobTask, BaseSensorOperator):
    """
    Wait for jobs that something else submitted.

    :param ims_conn_id: The connection. (templated) Default: ``ims_default``.
    :param region_id: A region that goes over the connection's, such as ``cn-shanghai``. (templated)
    :param deferrable: Wait in the triggerer, without holding a worker. Default: ``[operators] default_deferrable``.
    :param kwargs: Airflow's own of every sensor: ``poke_interval`` (seconds between two looks, here by default 10),
        ``timeout`` (seconds), ``soft_fail`` (skip on a time-out; a failed job fails all the same), ``never_fail``
        (skip instead of failing), ``mode``.
    """

    template_fields: Sequence[str] = ("ims_conn_id", "region_id")
    ui_color = "#ffe8d6"

    def __init__(
        self,
        *,
        ims_conn_id: str = "ims_default",
        region_id: str | None = None,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poke_interval: float = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.ims_conn_id = ims_conn_id
        self.region_id = region_id
        self.deferrable = deferrable
        self._monitors: dict[str, JobMonitor] = {}
        self._ended: dict[str, Job] = {}

    def awaited_ids(self) -> list[str]:
        """Return the jobs to wait for."""
        raise NotImplementedError

    def result(self, results: list[dict[str, Any]]) -> Any:
        """Return what the task hands on, from one result for each job."""
        raise NotImplementedError

    def execute(self, context: Context) -> Any:
        """
        Look at the jobs, and wait for those that have not ended.

        :param context: The task's context.
        :return: The result of the job, or a list of them, as the operator of its kind returns it.
        :raises ImsJobFailedError: when a job failed.
        :raises AirflowSensorTimeout: when a job did not end in time, in every mode.
        :raises ImsError: when the jobs cannot be asked for.
        """
        self.begin_phase()
        if self.deferrable:
            began = time.time()
            with self._never_failing():
                first_look = self.poke(context)
            if isinstance(first_look, PokeReturnValue):
                return first_look.xcom_value
            self.defer(
                trigger=self.trigger_class(
                    **self.trigger_class.jobs_arguments(self.family, self.awaited_ids()),
                    deadline=began + float(self.timeout),
                    ims_conn_id=self.ims_conn_id,
                    region_id=self.region_id,
                    poll_interval=float(self.poke_interval),
                    started=began,
                ),
                method_name="execute_complete",
                timeout=timedelta(seconds=float(self.timeout) + BACKSTOP),
            )
        return super().execute(context)

    def execute_complete(self, context: Context, event: Any = None) -> Any:
        """
        Take the trigger's event and end the task.

        :param context: The task's context.
        :param event: What the trigger sent.
        :return: As :meth:`execute`.
        """
        self.begin_phase()
        with self._never_failing():
            try:
                return self._conclude_all(context, self.ended_jobs(event)[0])
            except ImsJobTimeoutError as error:
                raise AirflowSensorTimeout(str(error)) from None

    @contextmanager
    def _never_failing(self) -> Iterator[None]:
        """Skip instead of failing where ``never_fail`` asks for it, as Airflow does for a sensor that pokes."""
        try:
            yield
        # Airflow itself skips a time-out of a deferred sensor only after 3.1.3.
        except (ImsError, AirflowSensorTimeout) as error:
            if self.never_fail:
                raise AirflowSkipException(f"Skipping due to never_fail: {error}") from error
            raise

    def poke(self, context: Context) -> bool | PokeReturnValue:
        """
        Look once at the jobs that have not ended.

        :param context: The task's context.
        :return: ``False``, or the result once all jobs have ended.
        """
        job_ids = self.awaited_ids()
        hook = self.new_hook()
        family = self.family
        first_poke, began = self._began(context)
        if first_poke:
            # A connection that is not defined is the user's mistake now; later it is an outage of a secrets backend.
            hook.connect()
        # A rescheduled sensor starts from zero at each look, it cannot count failures in a row.
        tolerated = 1 if self.reschedule else TOLERATED_ERRORS
        for some in chunks([job_id for job_id in job_ids if job_id not in self._ended], family.ids_per_query):
            for job_id, observation in self._look(hook, some).items():
                monitor = self._monitors.setdefault(job_id, JobMonitor(job_id, began, tolerated))
                event = monitor.update(observation, time.time())
                if event is not None:
                    log_progress(self.log, event, began)
                if isinstance(event, Job):
                    self.push_console_link(context, hook, event.id)
                    if event.ended:
                        self._ended[job_id] = event
        if any(job_id not in self._ended for job_id in job_ids):
            return False
        return PokeReturnValue(True, self._conclude_all(context, [self._ended[job_id] for job_id in job_ids]))

    def _look(self, hook: AlibabaCloudMediaHook, job_ids: Sequence[str]) -> dict[str, Observation]:
        try:
            hook.reconnect()
        except ImsError as error:
            return dict.fromkeys(job_ids, error)
        return poll_once(self.family, hook, job_ids)

    def _began(self, context: Context) -> tuple[bool, float]:
        """Return whether this is the first poke, and when that was, in epoch seconds."""
        if self._monitors:
            return False, min(monitor.began for monitor in self._monitors.values())
        if self.reschedule:
            ti: Any = context["ti"]
            if first_poke := ti.get_first_reschedule_date(context):
                return False, float(first_poke.timestamp())
        return True, time.time()

    def _conclude_all(self, context: Context, jobs: list[Job]) -> Any:
        for job in jobs:
            if job.state is JobState.FAILED:
                self.log.error("Job %s failed: %s %s", job.id, job.error_code, job.error_message)
        return self.result([self.complete(context, job) for job in jobs])


class SingleJobSensor(JobSensor):
    """
    Wait for one job.

    :param job_id: The job. (templated)
    :param kwargs: As of :class:`JobSensor`.
    """

    template_fields: Sequence[str] = ("job_id", *JobSensor.template_fields)

    def __init__(self, *, job_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id

    def awaited_ids(self) -> list[str]:
        """Return the one job, checked."""
        if not isinstance(self.job_id, str) or self.job_id.strip() in ("", NOTHING):
            raise ImsRequestError(f"job_id: {self.job_id!r} is no job id", field="job_id")
        return [self.job_id.strip()]

    def result(self, results: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the job's result."""
        return results[0]


class JobsSensor(JobSensor):
    """
    Wait for several jobs, until the last of them has ended.

    :param job_ids: The jobs: a list, or a string with the ids separated by commas or spaces. (templated)
    :param kwargs: As of :class:`JobSensor`.
    """

    template_fields: Sequence[str] = ("job_ids", *JobSensor.template_fields)

    def __init__(self, *, job_ids: Sequence[str] | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_ids = job_ids

    def awaited_ids(self) -> list[str]:
        """Return the jobs, each once."""
        given = [self.job_ids] if isinstance(self.job_ids, str) else self.job_ids
        if not isinstance(given, (list, tuple)) or not all(isinstance(one, str) for one in given):
            raise ImsRequestError(f"job_ids: {self.job_ids!r} is no list of job ids", field="job_ids")
        # A list that came through Jinja is its Python text, brackets and quotes included.
        ids = [job_id for one in given for job_id in re.findall(r"[\w-]+", one)]
        if not ids or NOTHING in ids:
            raise ImsRequestError(f"job_ids: {self.job_ids!r} holds no job ids", field="job_ids")
        return list(dict.fromkeys(ids))

    def result(self, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the jobs' results, in the order of their ids."""
        return results


class AnyJobSensor(JobsSensor):
    """
    Wait for jobs of the kind that is named.

    :param job: Their submit action, query action or family, such as ``SubmitASRJob``. (templated)
    :param job_ids: The jobs: a list, or a string with the ids separated by commas or spaces. (templated)
    :param fail_on_partial_failure: Fail the task when any part failed of a job that makes several things. Default:
        false.
    :param kwargs: As of :class:`JobSensor`.
    """

    template_fields: Sequence[str] = ("job", *JobsSensor.template_fields)

    def __init__(self, *, job: str, fail_on_partial_failure: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.fail_on_partial_failure = fail_on_partial_failure

    @property
    def family(self) -> JobFamily:
        """The family of the jobs; known once the templates are rendered."""
        product = self.trigger_class.hook_class.product
        return kind_of(self.job, product).family if self.job.startswith("Submit") else family_of(self.job)
