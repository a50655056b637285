"""
Searches for lost jobs, whose ids are unknown because the responses to their submit requests were lost.

A single pass through the service's list of jobs can find many lost jobs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.search import Search, find_jobs
from airflow_provider_ims._submission.ledger import Item
from airflow_provider_ims._submission.recovery import Recovery
from airflow_provider_ims._submission.submitter import pauses
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LostJobs:
    """
    Searches for jobs by their markers.

    :param recovery_of: A function that returns the :class:`Recovery` of an item.
    """

    kind: JobKind
    hook: AlibabaCloudMediaHook
    recovery_of: Callable[[Item], Recovery]
    sleep: Callable[[float], None] = time.sleep

    def find(self, items: Sequence[Item]) -> list[Item]:
        """
        Search until all jobs are found or the search time has passed, and update the records of the found jobs.

        :return: The items whose jobs were found.
        :raises ImsError: as raised by the hook's ``call``.
        """
        search = self.kind.family.search
        recoveries = {item.record.run: self.recovery_of(item) for item in items}
        missing = {item.record.run: item for item in items if recoveries[item.record.run].search is not None}
        if search is None or not missing:
            return []
        found: list[Item] = []
        for pause in (*pauses(max(recoveries[run].search_time for run in missing)), None):
            found += self._search_once(search, missing)
            if not missing:
                break
            if pause is not None:
                log.info("No job is listed yet for %d submit requests; searching again in %.0f s", len(missing), pause)
                self.sleep(pause)
        if found:
            log.info("Found %d lost jobs by their markers", len(found))
        return found

    def _search_once(self, search: Search, missing: dict[str, Item]) -> list[Item]:
        """Search once. Return the items whose jobs were found, and remove these items from ``missing``."""
        found = []
        for group in _grouped(search, missing):
            runs = {item.record.run: item.record.number for item in group}
            since = min(item.record.submitted_at for item in group)
            for run, (key, job_id) in find_jobs(search, self.hook, group[0].parameters, runs, since).items():
                if key.number >= runs[run]:
                    item = missing.pop(run)
                    item.record = replace(item.record, number=key.number, job_id=job_id)
                    found.append(item)
        return found


def _grouped(search: Search, missing: Mapping[str, Item]) -> list[list[Item]]:
    """Group items by the values of the parameters that restrict the search."""
    groups: dict[tuple[str | None, ...], list[Item]] = {}
    for item in missing.values():
        restriction = tuple(item.parameters.get(name) for name in search.parameters)
        groups.setdefault(restriction, []).append(item)
    return list(groups.values())
