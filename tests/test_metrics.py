from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat import sdk
from support.cases import AUDIO, BATCH, CASES, TEXT, Case
from support.running import TaskRun
from support.speech import speech

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError, ImsJobsFailedError
from airflow_provider_ims.operators.ims import ImsSubmitJobsOperator


class Metrics:
    """Records the metrics in place of Airflow's StatsD client."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Any, dict[str, str]]] = []

    def incr(self, stat: str, count: int = 1, *, tags: dict[str, str]) -> None:
        self.sent.append((stat, count, tags))

    def timing(self, stat: str, dt: timedelta, *, tags: dict[str, str]) -> None:
        self.sent.append((stat, dt.total_seconds(), tags))

    def gauge(self, stat: str, value: float, *, tags: dict[str, str]) -> None:
        pass

    def of(self, kind: str) -> dict[str, Any]:
        assert {tuple(tags) for _, _, tags in self.sent} == {("kind",)}
        return {name.removeprefix("ims.job."): value for name, value, tags in self.sent if tags["kind"] == kind}

    def total(self, name: str) -> int:
        return sum(value for stat, value, _ in self.sent if stat == f"ims.job.{name}")


@pytest.fixture
def metrics(monkeypatch: pytest.MonkeyPatch) -> Metrics:
    metrics = Metrics()
    monkeypatch.setattr(sdk, "Stats", metrics, raising=False)
    return metrics


@pytest.mark.parametrize("deferrable", [True, False])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_job_is_counted_when_it_is_submitted_and_when_it_ends(
    case: Case, deferrable: bool, ims_emulator: ImsEmulator, metrics: Metrics
) -> None:
    result = TaskRun(case.task(deferrable=deferrable)).attempt()
    counted = metrics.of(case.submit)
    assert counted.pop("submitted") == 1
    assert counted.pop("finished") == 1
    assert 0 <= counted.pop("waited") < 60
    usage = result.get("usage")
    assert counted == ({"tokens": usage["total_tokens"]} if usage else {})


@pytest.mark.ims_emulator(clock="manual", durations={"SubmitTextGenerateJob": 60})
def test_a_joined_job_is_not_counted_as_submitted(ims_emulator: ImsEmulator, metrics: Metrics) -> None:
    run = TaskRun(TEXT.task(wait_for_completion=False))
    run.attempt()
    run.attempt()
    assert metrics.of(TEXT.submit) == {"submitted": 1, "joined": 1}


def test_a_reused_job_is_neither_counted_as_submitted_nor_as_finished(
    ims_emulator: ImsEmulator, metrics: Metrics
) -> None:
    first = TaskRun(TEXT.task(reuse="inputs"))
    first.attempt()
    before = list(metrics.sent)
    TaskRun(TEXT.task(reuse="inputs"), run_id="second", earlier=[first]).attempt()
    assert metrics.sent[len(before) :] == [("ims.job.reused", 1, {"kind": TEXT.submit})]


def test_a_failed_job_is_counted_as_failed(ims_emulator: ImsEmulator, metrics: Metrics) -> None:
    ims_emulator.fault(AUDIO.submit, "fail_job")
    with pytest.raises(ImsJobFailedError):
        TaskRun(AUDIO.task()).attempt()
    counted = metrics.of(AUDIO.submit)
    assert counted["failed"] == 1
    assert "finished" not in counted


def test_a_partial_failure_that_fails_the_task_is_counted_as_failed(
    ims_emulator: ImsEmulator, metrics: Metrics
) -> None:
    ims_emulator.fault(BATCH.submit, "fail_job", videos=1)
    with pytest.raises(ImsJobFailedError):
        TaskRun(BATCH.task(fail_on_partial_failure=True)).attempt()
    assert metrics.of(BATCH.submit)["failed"] == 1


@pytest.mark.parametrize("deferrable", [True, False])
def test_each_of_many_jobs_is_counted_once(deferrable: bool, ims_emulator: ImsEmulator, metrics: Metrics) -> None:
    ims_emulator.fault(AUDIO.submit, "fail_job", count=2)
    run = TaskRun(speech(10, deferrable=deferrable, max_active_jobs=4))
    with pytest.raises(ImsJobsFailedError):
        run.attempt()
    counted = {name: metrics.total(name) for name in ("submitted", "joined", "finished", "failed")}
    assert counted == {"submitted": 10, "joined": 0, "finished": 8, "failed": 2}
    run.attempt()
    counted = {name: metrics.total(name) for name in ("submitted", "joined", "finished", "failed")}
    assert counted == {"submitted": 12, "joined": 8, "finished": 10, "failed": 2}


def test_the_tokens_of_many_jobs_are_counted(ims_emulator: ImsEmulator, metrics: Metrics) -> None:
    requests = [TEXT.operator.kind.encode(TEXT.arguments)] * 3
    task = ImsSubmitJobsOperator(task_id="jobs", job=TEXT.submit, requests=requests, poll_interval=0.05)
    result = TaskRun(task).attempt()
    assert metrics.total("tokens") == sum(one["usage"]["total_tokens"] for one in result["results"])
