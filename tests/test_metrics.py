from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat import sdk
from support.cases import AUDIO, BATCH, CASES, TEXT, Case
from support.running import TaskRun

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobFailedError


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
