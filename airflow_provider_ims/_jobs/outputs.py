"""The outputs of jobs that succeed if at least one of their outputs does."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.payload import as_number, as_text, read_fields, require_objects

#: The text that IProduction returns instead of a file, such as "oss fail to save the image in the given bucket".
_NOT_SAVED = re.compile(r"(?i)(?!\w+://)(?!.*\.\w{2,5}$)(.*\s)?fail(ed|s|ure)?\s.*")
#: Fields that list the outputs, and a prefix of the keys of the result that contain one entry for each of them.
_OUTPUTS = {"OutputDetails": "output_details", "OutputGroupDetails": "output_group_details", "OutputFiles": "output_"}


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
        for position, sub_job in enumerate(require_objects(entry.get(self.sub_jobs), self.sub_jobs)):
            if str(sub_job.get(self.status)).casefold() == self.failed.casefold():
                index = as_number(sub_job.get("JobIndex", position))
                failures.append({"index": index, **read_fields(sub_job, *self.failure)})
            else:
                outputs.append(read_fields(sub_job, *self.output))
        return _with_outputs(job, {"outputs": outputs}, failures, len(outputs) + len(failures))


def _with_outputs(job: Job, result: dict[str, Any], failures: list[dict[str, Any]], total: int) -> Job:
    job = job.with_parts(result, failures, total)
    return job.failed_entirely("outputs") if failures and len(failures) == total else job


def separate_failures(job: Job, entry: Mapping[str, Any]) -> Job:
    """Separate the failed outputs of a job that succeeded, for which it may have addresses too, from the others."""
    if job.state is JobState.FAILED:
        return job
    result, failures, total = dict(job.result), [], 0
    for field, prefix in _OUTPUTS.items():
        outputs = found if isinstance(found := entry.get(field), list) else []
        errors = {index: error for index, one in enumerate(outputs) if (error := _error_of(one))}
        failures += [{"index": index, **error} for index, error in errors.items()]
        total += len(outputs)
        for key, given in result.items():
            if errors and key.startswith(prefix) and isinstance(given, list) and len(given) == len(outputs):
                result[key] = [one for index, one in enumerate(given) if index not in errors]
    return _with_outputs(job, result, failures, total)


def _error_of(output: Any) -> dict[str, Any] | None:
    if isinstance(output, dict) and str(output.get("Status")).casefold() == "failed":
        return read_fields(output, "Name", "TaskId", "error_code=Code", "error_message=Message")
    return {"error_message": as_text(output)} if isinstance(output, str) and _NOT_SAVED.fullmatch(output) else None
