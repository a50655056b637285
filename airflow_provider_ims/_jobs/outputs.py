"""The outputs of jobs that the service reports as successful even if some or all of their outputs are missing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.payload import parse_json, read_fields, require_objects, walk_path

#: A string that IProduction returns instead of a file name, such as "oss fail to save the image in the given bucket".
#: It is neither a URL nor a file name with an extension.
_NOT_SAVED = re.compile(r"(?i)(?!\w+://)(?!.*\.\w{2,5}$)(.*\s)?fail(ed|s|ure)?\s.*")
#: The error message of a suspended Yike job.
_SUSPENDED = (
    "it is suspended, because some shots failed: call ResumeYikeStoryboardJob with the job id, then clear the task. "
    "From Airflow 3.3, the cleared task waits for the resumed job. A retry of the task while the job is suspended "
    "submits a new, billed job"
)


@dataclass(frozen=True, slots=True)
class OutputReader:
    """
    Adds the outputs to a transcoding or conversion job, and changes its state to failed if all of its outputs failed.

    :param sub_jobs: The fields that list the sub-jobs. A sub-job either produces one output or, if it has such a field
        itself, is a group of sub-jobs.
    :param output: The fields of an output; see :func:`~airflow_provider_ims._jobs.payload.read_fields`.
    :param failure: The fields of a failed output.
    :param status: The field of a sub-job that contains its status.
    :param failed: The statuses of a sub-job without an output, in lowercase.
    """

    sub_jobs: tuple[str, ...]
    output: tuple[str, ...]
    failure: tuple[str, ...]
    status: str = "Status"
    failed: tuple[str, ...] = ("fail", "deleted")

    def __call__(self, job: Job, entry: Mapping[str, Any]) -> Job:
        """Return the job with its outputs."""
        outputs, failures = [], []
        for sub_job in self._find(entry):
            if self._has_failed(sub_job):
                failures.append(read_fields(sub_job, "index=JobIndex", *self.failure))
            else:
                outputs.append(read_fields(sub_job, *self.output))
        return _with_outputs(job, {"outputs": outputs}, failures, len(outputs) + len(failures))

    def _find(self, entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        for field in self.sub_jobs:
            for index, sub_job in enumerate(require_objects(entry.get(field), field)):
                nested = [] if self._has_failed(sub_job) else list(self._find(sub_job))
                yield from nested or [{"JobIndex": index, **sub_job}]

    def _has_failed(self, sub_job: Mapping[str, Any]) -> bool:
        return str(sub_job.get(self.status)).casefold() in self.failed


def _with_outputs(job: Job, result: dict[str, Any], failures: list[dict[str, Any]], total: int) -> Job:
    job = job.with_parts(result, failures, total)
    return job.without_output("outputs") if job.state is JobState.SUCCEEDED and 0 < total == len(failures) else job


def separate_unsaved_files(job: Job, _: Mapping[str, Any]) -> Job:
    """Remove each file that IProduction could not save, with its URL and media id, and add a failed part for it."""
    files = found if isinstance(found := job.result.get("output_files"), list) else []
    errors = {index: one for index, one in enumerate(files) if isinstance(one, str) and _NOT_SAVED.fullmatch(one)}
    saved = {
        key: [one for index, one in enumerate(given) if index not in errors]
        for key in ("output_files", "output_urls", "output_media_ids")
        if isinstance(given := job.result.get(key), list) and len(given) == len(files)
    }
    failures = [{"index": index, "error_message": text} for index, text in errors.items()]
    return _with_outputs(job, saved, failures, len(files))


def report_failed_shots(job: Job, entry: Mapping[str, Any]) -> Job:
    """
    Add the failed shots and storyboards to a Yike job, as failed parts.

    If the job is suspended, its error message explains how to continue it.
    """
    failed = []
    for path in ("JobResult.FailureShotList", "JobResult.ExceptionStoryboardIds"):
        found = parse_json(next(walk_path(entry, path))) or []
        for one in found if isinstance(found, list) else [found]:
            fields = one if isinstance(one, dict) else {"storyboardId": one}
            failed.append(read_fields(fields, "storyboardId", "shotId", "errorCode"))
    if job.status.casefold() == "suspended":
        job = replace(job, error_message=_SUSPENDED)
    return job.with_parts({}, failed)
