"""Code shared by operators and sensors: creating the hook, deferring the task and publishing results."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_ims._jobs.family import JobFamily, chunks
from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.objects import OssObject, first_url, oss_objects
from airflow_provider_ims._lineage import emit_asset_events, operator_lineage
from airflow_provider_ims._waiting.events import read_event, read_unfinished
from airflow_provider_ims.exceptions import ImsError, ImsJobFailedError, ImsJobNotFoundError, ImsRequestError
from airflow_provider_ims.hooks._actions import ICE, VOD, Product
from airflow_provider_ims.hooks._registry import hook_class_of
from airflow_provider_ims.links import ConsoleLink, MediaLink, OutputLink

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, BaseOperatorLink, Context
    from airflow.providers.openlineage.extractors import OperatorLineage
    from airflow.sdk import RetryPolicy
    from jinja2 import Environment

    from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

    _Task = BaseOperator
else:
    _Task = object

#: Seconds from the trigger's deadline to Airflow's timeout of the deferral. Airflow's timeout ends the task without a
#: final poll of the job, so it must take effect only if no triggerer runs the trigger.
DEFERRAL_GRACE = 600

#: The default retry policies; ``None`` before Airflow 3.3, because earlier versions do not support retry policies.
OPERATOR_RETRY_POLICY: RetryPolicy | None = None
SENSOR_RETRY_POLICY: RetryPolicy | None = None
with suppress(ImportError):
    from airflow_provider_ims.policies.retry import ImsRetryPolicy

    OPERATOR_RETRY_POLICY = ImsRetryPolicy()
    SENSOR_RETRY_POLICY = ImsRetryPolicy(retry_failed_jobs=False)


def retry_arguments(retry_policy: RetryPolicy | None) -> dict[str, Any]:
    """
    Return ``retry_policy`` as an argument of Airflow's base class.

    Before Airflow 3.3, the base class does not accept this argument, so it is omitted if the policy is ``None``.
    """
    return {} if OPERATOR_RETRY_POLICY is None and retry_policy is None else {"retry_policy": retry_policy}


class JobTask(_Task):
    """Mixin for the operators and sensors that wait for jobs."""

    operator_extra_links: tuple[BaseOperatorLink, ...] = (MediaLink(), ConsoleLink(), OutputLink())

    #: The family of the task's jobs.
    family: JobFamily
    ims_conn_id: str | None
    region_id: str | None
    #: Whether the task fails if a part of a job failed, such as one of several outputs.
    fail_on_partial_failure: bool = False
    # The state of one execution. At the end of the task, OpenLineage reads the job id and the outputs.
    _job_id: str | None = None
    _has_media_link = False
    _outputs: tuple[OssObject, ...] = ()
    _file_error: ImsRequestError | None = None

    @property
    def product(self) -> Product:
        """The product (IMS or VOD) of the task's jobs."""
        return self.family.product

    def new_hook(self) -> AlibabaCloudMediaHook:
        """
        Return a hook for the product of the jobs.

        The hook is not stored on the task: with ``dag.test()``, a task object may run several times in one process, and
        the connection may change between the runs.
        """
        return hook_class_of(self.product)(ims_conn_id=self.ims_conn_id, region_id=self.region_id)

    def defer_wait(
        self, job_ids: list[str], *, deadline: float, resume_with: Mapping[str, Any] | None = None, **wait: Any
    ) -> NoReturn:
        """
        Defer the task until the jobs have ended.

        :param job_ids: The ids of the jobs.
        :param deadline: The time, in epoch seconds, at which the wait times out after a final poll.
        :param resume_with: Additional arguments of ``execute_complete``.
        :param wait: Additional arguments of the trigger.
        """
        # Imported lazily: the triggers import the poller, which would slow down DAG parsing.
        from airflow_provider_ims.triggers import ims, vod

        trigger_class = {ICE.code: ims.ImsJobTrigger, VOD.code: vod.VodJobTrigger}[self.product.code]
        now = time.time()
        trigger = trigger_class(
            family=self.family.name,
            job_ids=job_ids,
            deadline=deadline,
            wait_started_at=now,
            ims_conn_id=self.ims_conn_id,
            region_id=self.region_id,
            **wait,
        )
        timeout = timedelta(seconds=max(0.0, deadline - now) + DEFERRAL_GRACE)
        self.defer(trigger=trigger, method_name="execute_complete", kwargs=dict(resume_with or {}), timeout=timeout)

    # Airflow calls this method first when a task starts and when it resumes, even if the task is mapped.
    def _do_render_template_fields(
        self, parent: Any, template_fields: Any, context: Context, jinja_env: Environment, *args: Any, **kwargs: Any
    ) -> None:
        if parent is self:
            # The links are pushed as soon as they are known. If ``operator_extra_links`` still contained them when
            # the task ends or defers, Airflow would read each link from XCom and push it again, which takes eight
            # requests per task, and would log an error for each missing link.
            self.operator_extra_links = ()
            self._job_id, self._outputs, self._has_media_link = None, (), False
            self._file_error = None
            try:
                self.read_files(context, jinja_env)
            except ImsRequestError as error:
                # check_files() raises the error in execute(). It is not raised here, because a resumed task does not
                # need the file.
                self._file_error = error
        super()._do_render_template_fields(parent, template_fields, context, jinja_env, *args, **kwargs)

    def read_files(self, context: Context, environment: Environment) -> None:
        """
        Do nothing. A subclass can override this method to replace each file name in the arguments with the file's
        content.

        This method is called before the templates are rendered.
        """

    def check_files(self) -> None:
        """
        Check that all files were read.

        :raises ImsRequestError: if a file does not exist or cannot be read.
        """
        if self._file_error is not None:
            raise self._file_error

    def push_console_link(
        self, context: Context, hook: AlibabaCloudMediaHook, job_id: str, submitted_at: float | None = None
    ) -> None:
        """
        Push the link to a job in the console and, for the first job of the task, the link to the media page.

        :param submitted_at: When the job was submitted, in epoch seconds. Default: now.
        """
        self._job_id = job_id
        ConsoleLink().push(context, hook.console_link(job_id))
        if not self._has_media_link:
            self._has_media_link = True
            record = {"product": self.product.code, "ims_conn_id": self.ims_conn_id, "region_id": self.region_id}
            MediaLink().record(context, {**record, "job_id": job_id, "submitted_at": submitted_at or time.time()})

    def complete(self, context: Context, job: Job) -> dict[str, Any]:
        """
        Log the status of a job that has ended, and publish its outputs as a link, as asset events and to OpenLineage.

        :param context: The task's context.
        :param job: The job.
        :return: The result of the job: ``{"job_id", "state", ...}``.
        :raises ImsJobFailedError: if the job failed, or if a part of it failed and ``fail_on_partial_failure`` is true.
        """
        if error := self.failure_of(job):
            MediaLink().record_failure(context, job.outcome())
            raise error
        result = job.outcome()
        self.log.info("Job %s ended: %s", job.id, job.status)
        if job.partial:
            self.log.warning(self._partial_failure(job))
        self._job_id = job.id
        self.publish_outputs(context, job)
        if url := first_url(result):
            OutputLink().push(context, url)
        return result

    def publish_outputs(self, context: Context, job: Job) -> None:
        """Publish the outputs of a job as asset events and to OpenLineage."""
        outputs = tuple(oss_objects(job.result, without="failed"))
        self._outputs += outputs
        emit_asset_events(context, self.outlets, outputs, job.id)

    def failure_of(self, job: Job) -> ImsJobFailedError | None:
        """Return the error if an ended job counts as failed for this task, otherwise ``None``."""
        if job.state is JobState.FAILED or not (job.partial and self.fail_on_partial_failure):
            return job.failure()
        code, message = map(next(iter(job.failed_parts), {}).get, ("error_code", "error_message"))
        return ImsJobFailedError(self._partial_failure(job), job_id=job.id, code=code, error_message=message)

    def _partial_failure(self, job: Job) -> str:
        known = [[f"{name} {one}" for name, one in part.items() if one is not None] for part in job.failed_parts]
        number = f"{len(known)} of {job.total_parts}" if job.total_parts else "Some"
        parts = f"{number} {self.family.parts or 'parts'}" if known else "A part"
        return f"{parts} of job {job.id} failed: {'; '.join(map(', '.join, known)) or job.status}"

    def input_objects(self) -> Iterable[OssObject]:
        """Return the OSS objects that the job reads; none unless a subclass overrides this method."""
        return ()

    def get_openlineage_facets_on_complete(self, _: Any) -> OperatorLineage[Any, Any]:
        """Return the inputs and outputs of the job, for OpenLineage."""
        return operator_lineage(self.input_objects(), self._outputs, self._job_id)

    def unfinished_jobs(self, event: Any) -> tuple[list[str], int]:
        """
        Return the ids of the jobs that have not ended, and the number of failed jobs.

        :param event: The event of a trigger that waited for many jobs.
        :raises ImsError: the error from the event.
        """
        return read_unfinished(event)

    def ended_jobs(self, event: Any) -> tuple[list[Job], float | None]:
        """
        Return the ended jobs from a trigger's event, and their submission time in epoch seconds, if known.

        If the jobs were too large for the event, this method queries them.

        :raises ImsError: the error from the event or from the query.
        """
        job_ids, jobs, submitted_at = read_event(event)
        if jobs is not None:
            return jobs, submitted_at
        hook = self.new_hook()
        found: dict[str, Job] = {}
        for chunk in chunks(job_ids, self.family.ids_per_query):
            found |= self.family.query(hook, chunk)
        for job_id in job_ids:
            if job_id not in found:
                raise ImsJobNotFoundError(f"Job {job_id} has ended, but the service no longer finds it", job_id=job_id)
            if not found[job_id].ended:
                raise ImsError(f"Job {job_id} has ended, but its status is now {found[job_id].status}")
        return [found[job_id] for job_id in job_ids], submitted_at
