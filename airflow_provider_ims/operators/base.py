"""The operator that all job kinds share: check, submit, wait, hand on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.common.compat.sdk import BaseOperator, conf

from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.jobs.parameters import encode_all
from airflow_provider_ims.submission import submit_or_join
from airflow_provider_ims.tasks import JobTask
from airflow_provider_ims.watching import wait_for_job

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_ims.jobs.kinds import JobKind
    from airflow_provider_ims.submission import Submission

#: Seconds that Airflow's own time-out of a deferral lies behind the trigger's deadline: it would end the task
#: without a last look at the job, so it only stands in for a triggerer that is gone.
BACKSTOP = 600
#: Seconds between two looks, and the longest wait.
POLL_INTERVAL = 10.0
TIMEOUT = 24 * 60 * 60.0


class JobOperator(JobTask, BaseOperator):
    """
    Submit a job and wait for its end.

    :param ims_conn_id: The connection. (templated) Default: ``ims_default``.
    :param region_id: A region that goes over the connection's, such as ``cn-shanghai``. (templated)
    :param wait_for_completion: Wait for the job's end; otherwise return right after the submit. Default: true.
    :param deferrable: Wait in the triggerer, without holding a worker. Default: ``[operators] default_deferrable``.
    :param poll_interval: Seconds between two looks at the job. (templated) Default: 10.
    :param timeout: Seconds to wait for the job's end, counted for each try. (templated) Default: a day.
    :param durable: Join the job of an earlier try instead of submitting again (Airflow 3.3 and later; before, it
        has no effect). Default: true.
    """

    kind: ClassVar[JobKind]
    #: Every parameter of the API, beside what all operators take.
    template_fields: Sequence[str] = ("ims_conn_id", "region_id", "poll_interval", "timeout")
    ui_color = "#ffe8d6"

    def __init__(
        self,
        *,
        ims_conn_id: str = "ims_default",
        region_id: str | None = None,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = POLL_INTERVAL,
        timeout: float = TIMEOUT,
        durable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.ims_conn_id = ims_conn_id
        self.region_id = region_id
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.timeout = timeout
        self.durable = durable
        self._submission: Submission | None = None

    def execute(self, context: Context) -> dict[str, Any]:
        """
        Submit the job, or join the one of an earlier try, and wait for it.

        :param context: The task's context.
        :return: ``{"job_id", "state"}``, and the result unless ``wait_for_completion`` is off.
        :raises ImsRequestError: when an argument is wrong; nothing was sent then.
        :raises ImsJobFailedError: when the job failed.
        :raises ImsJobTimeoutError: when it did not end in time.
        :raises ImsError: when the service refused the submit or could not be asked.
        """
        parameters = encode_all(self.kind.parameters, vars(self))
        poll_interval = _seconds("poll_interval", self.poll_interval)
        timeout = _seconds("timeout", self.timeout)
        hook = self.new_hook()
        submission = self._submission = submit_or_join(self.kind, hook, parameters, context, durable=self.durable)
        job, waits_since = submission.job, time.time()
        if not self.wait_for_completion:
            return {"job_id": job.id, "state": job.status}
        if not job.ended and self.deferrable:
            deadline = self._deadline(context, waits_since + timeout)
            self.defer(
                trigger=self.trigger_class(
                    **self._awaited(job.id),
                    deadline=deadline,
                    ims_conn_id=self.ims_conn_id,
                    region_id=self.region_id,
                    poll_interval=poll_interval,
                    started=submission.submitted_at,
                ),
                method_name="execute_complete",
                timeout=timedelta(seconds=max(0.0, deadline - waits_since) + BACKSTOP),
            )
        if not job.ended:
            job = wait_for_job(
                self.kind.family,
                hook,
                job.id,
                poll_interval=poll_interval,
                started=waits_since,
                timeout=timeout,
                on_change=lambda changed: self.log_change(changed, submission.submitted_at),
            )
        return self.conclude(job)

    def execute_complete(self, context: Context, event: Any = None) -> dict[str, Any]:
        """
        Take the trigger's event and end the task.

        :param context: The task's context.
        :param event: What the trigger sent.
        :return: As :meth:`execute`.
        """
        (job,) = self.ended_jobs(event)
        return self.conclude(job)

    def on_kill(self) -> None:
        """Say what becomes of the job: the service has no cancel."""
        if self._submission is not None:
            self.log.warning(
                "The task was killed, but job %s goes on running and is billed: the service has no cancel",
                self._submission.job.id,
            )

    def _awaited(self, job_id: str) -> dict[str, Any]:
        return {"job_id": job_id}

    def _deadline(self, context: Context, deadline: float) -> float:
        """Keep ``execution_timeout``, which Airflow does not enforce on a deferred task."""
        if self.execution_timeout is None:
            return deadline
        ti: Any = context["ti"]
        began: datetime = ti.start_date or datetime.now(UTC)
        return min(deadline, began.timestamp() + self.execution_timeout.total_seconds())


def _seconds(name: str, value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ImsRequestError(f"{name}: {value!r} is not a number of seconds above 0", field=name)
    return seconds
