"""What operators and sensors share: the hook, reading a trigger's event, what a job's end means for the task."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_ims.exceptions import ImsError, ImsJobFailedError, ImsJobNotFoundError
from airflow_provider_ims.jobs.family import chunks
from airflow_provider_ims.jobs.job import Job, JobState
from airflow_provider_ims.jobs.objects import OssObject, first_address, oss_objects
from airflow_provider_ims.lineage import emit_asset_events, operator_lineage
from airflow_provider_ims.links import ConsoleLink, OutputLink
from airflow_provider_ims.triggers.base import read_event

#: Seconds that Airflow's own time-out of a deferral lies behind the trigger's deadline: it would end the task
#: without a last look at the job, so it only stands in for a triggerer that is gone.
BACKSTOP = 600

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, BaseOperatorLink, Context
    from airflow.providers.openlineage.extractors import OperatorLineage

    from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook
    from airflow_provider_ims.jobs.family import JobFamily
    from airflow_provider_ims.triggers.base import JobTrigger

    _Task = BaseOperator
else:
    _Task = object


class JobTask(_Task):
    """Mixed into operators and sensors that wait for jobs."""

    #: The trigger that waits for the task's jobs; it knows their product's hook.
    trigger_class: ClassVar[type[JobTrigger]]
    operator_extra_links: tuple[BaseOperatorLink, ...] = (ConsoleLink(), OutputLink())

    ims_conn_id: str
    region_id: str | None
    #: Whether a part of a job that failed fails the task, where jobs have parts.
    fail_on_partial_failure: bool = False
    # For OpenLineage, once the task has ended.
    _job_id: str | None = None
    _made: tuple[OssObject, ...] = ()

    @property
    def family(self) -> JobFamily:
        """The family of the task's jobs."""
        return self.trigger_class.family

    def new_hook(self) -> AlibabaCloudMediaHook:
        """
        Return a hook of the jobs' product.

        Not kept on the task: one DAG object may run more than once in a process, with ``dag.test()``, and the
        connection may be another by then.
        """
        return self.trigger_class.hook_class(ims_conn_id=self.ims_conn_id, region_id=self.region_id)

    def begin_phase(self) -> None:
        """
        Keep Airflow from asking for the links when this phase of the task ends.

        They are pushed as soon as they are known. Airflow would read each of them from XCom and push it once more,
        eight requests a task, and log an error for each that is not there.
        """
        self.operator_extra_links = ()

    def push_console_link(self, context: Context, hook: AlibabaCloudMediaHook, job_id: str) -> None:
        """Link to a job, as soon as its id is known."""
        self._job_id = job_id
        ConsoleLink().push(context, hook.console_link(job_id))

    def complete(self, context: Context, job: Job) -> dict[str, Any]:
        """
        Return what :meth:`conclude` makes of an ended job, and make known what the job has made: by a link, by asset
        events, and to OpenLineage.

        :param context: The task's context.
        :param job: The job.
        """
        result = self.conclude(job)
        made = oss_objects(result)
        self._job_id, self._made = job.id, (*self._made, *made)
        emit_asset_events(context, self.outlets, made, job.id)
        if address := first_address(result):
            OutputLink().push(context, address)
        return result

    def objects_read(self) -> Iterable[OssObject]:
        """Return the objects that the job reads, as far as the task knows them."""
        return ()

    def get_openlineage_facets_on_complete(self, _: Any) -> OperatorLineage[Any, Any]:
        """Return the objects that the job read and made, for OpenLineage."""
        return operator_lineage(self.objects_read(), self._made, self._job_id)

    def conclude(self, job: Job) -> dict[str, Any]:
        """
        Return what an ended job means for the task.

        :param job: The job.
        :return: ``{"job_id", "state", ...}``, by the kind of job.
        :raises ImsJobFailedError: when the job failed, or any part of it and ``fail_on_partial_failure`` is set.
        """
        result = job.outcome()
        self.log.info("Job %s ended: %s", job.id, job.status)
        failed = self._failed_parts(job)
        if failed or self.family.only_in_part(job.status):
            parts = self.family.parts
            of_all = f"{len(failed)} of {len(result[parts]) + len(failed)} {parts}" if parts else "A part"
            summary = f"{of_all} of job {job.id} failed"
            if self.fail_on_partial_failure:
                first = failed[0] if failed else {}
                raise ImsJobFailedError(
                    summary, job_id=job.id, code=first.get("error_code"), error_message=first.get("error_message")
                )
            self.log.warning("%s: %s", summary, failed or job.status)
        return result

    def counts_as_failed(self, job: Job) -> bool:
        """Tell whether an ended job is a failure for this task, after which a retry submits a new one."""
        in_part = bool(self._failed_parts(job)) or self.family.only_in_part(job.status)
        return job.state is JobState.FAILED or (self.fail_on_partial_failure and in_part)

    def _failed_parts(self, job: Job) -> list[dict[str, Any]]:
        return job.result.get("failed", []) if self.family.parts else []

    def ended_jobs(self, event: Any) -> tuple[list[Job], float | None]:
        """
        Return the ended jobs that a trigger's event tells of; those too large for an event are fetched.

        :param event: The event.
        :return: The jobs, and when they were submitted, in epoch seconds, where the event says so.
        :raises ImsError: the error that the event tells of, or the fetch's.
        """
        job_ids, jobs, started = read_event(event)
        if jobs is not None:
            return jobs, started
        family = self.family
        hook = self.new_hook()
        found: dict[str, Job] = {}
        for some in chunks(job_ids, family.ids_per_query):
            found |= family.query(hook, some)
        for job_id in job_ids:
            if job_id not in found:
                raise ImsJobNotFoundError(f"Job {job_id} ended, but is gone now", job_id=job_id)
            if not found[job_id].ended:
                raise ImsError(f"Job {job_id} ended, but is {found[job_id].status} now")
        return [found[job_id] for job_id in job_ids], started
