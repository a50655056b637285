"""The outputs of transcoding jobs, which both products report per output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_ims.jobs.job import JobResult
from airflow_provider_ims.jobs.payload import as_number, first_text, require_objects

_NUMBERS = frozenset({"duration", "width", "height", "size"})


@dataclass(frozen=True, slots=True)
class OutputReader:
    """
    Reads the outputs of a transcoding job, which succeeds as soon as one of its outputs does.

    :param list_field: The field that lists the sub-jobs, one for each output.
    :param status: The field of a sub-job that contains its status.
    :param failed: The status of a failed sub-job.
    :param output: Key in the result -> paths in the sub-job, of which the first that exists is read.
    :param failure: The same for a failed sub-job.
    :param job: The same for the job itself.
    """

    list_field: str
    status: str
    failed: str
    output: Mapping[str, tuple[str, ...]]
    failure: Mapping[str, tuple[str, ...]]
    job: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __call__(self, job: Mapping[str, Any]) -> JobResult:
        """Return the outputs of a job that succeeded."""
        sub_jobs = require_objects(job.get(self.list_field), self.list_field)
        failed = [one for one in sub_jobs if str(one.get(self.status)).casefold() == self.failed.casefold()]
        outputs = [_read(one, self.output) for one in sub_jobs if one not in failed]
        failures = [_read(one, self.failure) for one in failed]
        return JobResult({**_read(job, self.job), "outputs": outputs, "failed": failures}, failures, len(sub_jobs))


def _read(sub_job: Mapping[str, Any], paths: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    texts = {key: first_text(sub_job, *found_at) for key, found_at in paths.items()}
    return {key: as_number(text) if key in _NUMBERS else text for key, text in texts.items()}
