"""The check of every documented fact can fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_ims.emulator import ImsEmulator
from conformance.facts import FACTS
from conformance.facts.fact import Evidence, Outcome, check
from conformance.jobs import JobRun
from conformance.run import Run, run_emulated
from conformance.service import Response

Change = Callable[[str, Any], Any]

#: The fields by which a check recognises a job and its end.
KEPT = ("JobId", "State", "Status", "JobState")
#: Change of a field -> the value that a service returns instead.
CHANGES: dict[str, Change] = {
    "no lists": lambda name, value: [] if isinstance(value, list) else value,
    "other texts": lambda name, value: "x" if isinstance(value, str) and name not in KEPT else value,
    "other states": lambda name, value: "Suspending" if name in ("State", "Status", "JobState") else value,
    "other ids": lambda name, value: "x" if name == "JobId" else value,
    "another order": lambda name, value: [*value[1:], *value[:1], *value] if isinstance(value, list) else value,
    "longer results": lambda name, value: '["123456", "123456"]' if name == "AiResult" else value,
    "other JSON": lambda name, value: '[{"Url": 1}]' if name in ("AIImageResult", "Usage", "UserData") else value,
    "signed URLs": lambda name, value: (
        '[{"Score": 1, "Url": "http://a/b?Signature=c"}]' if name == "AIImageResult" else value
    ),
    "unsigned URLs": lambda name, value: value.partition("?")[0] if name == "FileURL" else value,
    "one job on all pages": lambda name, value: (
        [{"JobId": "x", "CreateTime": "1"}] if name in ("SmartJobList", "EditingBatchJobList") else value
    ),
    "no listed images": lambda name, value: [] if name == "AIImageInfoList" else value,
    "numbers instead of texts": lambda name, value: 1 if isinstance(value, str) and name not in KEPT else value,
}


def changed(change: Change, content: Any, name: str = "") -> Any:
    content = change(name, content)
    if isinstance(content, dict):
        return {key: changed(change, value, key) for key, value in content.items()}
    return [changed(change, one) for one in content] if isinstance(content, list) else content


class ChangedService:
    """Changes the responses of a service, and the responses that are stored in the jobs of a run."""

    def __init__(self, run: Run, change: Callable[[Response], Response]) -> None:
        self._run, self._change = run, change

    @property
    def access(self) -> Any:
        return self._run.service.access

    def read(self, *arguments: Any, **parameters: Any) -> Response:
        return self._change(self._run.service.read(*arguments, **parameters))

    def send(self, *arguments: Any, **options: Any) -> Response:
        return self._change(self._run.service.send(*arguments, **options))

    def send_unknown_action(self, *arguments: Any) -> Response:
        return self._change(self._run.service.send_unknown_action(*arguments))

    def jobs(self) -> Mapping[str, JobRun]:
        return {name: self._job(job) for name, job in self._run.jobs.items()}

    def _job(self, job: JobRun) -> JobRun:
        assert job.submit is not None
        submit = self._change(job.submit)
        # The job id is unchanged, because a run reads it only from the response to the submit request.
        submit = replace(submit, body={**submit.body, "JobId": job.job_id})
        listed = self._change(job.listed) if job.listed else None
        if listed is not None and job.plan.listing.find(listed, job.job_id) is None:
            listed = None
        return replace(
            job,
            submit=submit,
            repeat=self._change(job.repeat) if job.repeat else None,
            polls=[self._change(poll) for poll in job.polls],
            listed=listed,
        )

    def differing(self) -> set[str]:
        """Return the facts that differ with the changed jobs, or with the changed responses to further requests."""
        found = set()
        service: Any = self
        for jobs in (self.jobs(), self._run.jobs):
            evidence = Evidence(service, self._run.inputs, jobs)
            found |= {fact.name for fact in FACTS if check(fact, evidence).outcome is Outcome.DIFFERS}
        return found


@pytest.fixture(scope="module")
def differing() -> dict[str, set[str]]:
    """Return {change: the facts that differ with this change}."""
    with ImsEmulator(clock="manual", list_text_jobs=True) as emulator:
        run = run_emulated(emulator, "cn-shanghai")
        found = {
            name: ChangedService(
                run, lambda response, change=change: replace(response, body=changed(change, response.body))
            ).differing()
            for name, change in CHANGES.items()
        }
        accepted = ChangedService(run, lambda response: replace(response, status=200, body={})).differing()
        return {**found, "all requests accepted": accepted}


@pytest.mark.parametrize("name", [fact.name for fact in FACTS if fact.documented])
def test_the_check_of_a_documented_fact_can_fail(name: str, differing: dict[str, set[str]]) -> None:
    assert any(name in names for names in differing.values())


def test_a_check_does_not_fail_without_a_change() -> None:
    with ImsEmulator(clock="manual", list_text_jobs=True) as emulator:
        run = run_emulated(emulator, "cn-shanghai")
        assert ChangedService(run, lambda response: response).differing() == set()
