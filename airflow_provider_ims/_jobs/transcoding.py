"""The outputs of transcoding jobs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.payload import read_fields, require_objects


@dataclass(frozen=True, slots=True)
class OutputReader:
    """
    Adds the outputs to a transcoding job, which succeeds if at least one of its outputs does.

    :param sub_jobs: The field that lists the sub-jobs, one for each output.
    :param output: The fields of an output; see :func:`~airflow_provider_ims._jobs.payload.read_fields`.
    :param failure: The fields of a failed output.
    :param status: The field of a sub-job that contains its status.
    :param failed: The status of a failed sub-job.
    """

    sub_jobs: str
    output: tuple[str, ...]
    failure: tuple[str, ...]
    status: str = "Status"
    failed: str = "Fail"

    def __call__(self, job: Job, entry: Mapping[str, Any]) -> Job:
        """Return the job with its outputs."""
        if job.state is JobState.FAILED:
            return job
        outputs, failures = [], []
        for sub_job in require_objects(entry.get(self.sub_jobs), self.sub_jobs):
            if str(sub_job.get(self.status)).casefold() == self.failed.casefold():
                failures.append(read_fields(sub_job, *self.failure))
            else:
                outputs.append(read_fields(sub_job, *self.output))
        result = {**job.result, "outputs": outputs, "failed": failures}
        return job.with_parts(result, failures, len(outputs) + len(failures))
