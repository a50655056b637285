"""``ImsSubmitJobsOperator`` and ``VodSubmitJobsOperator``: many jobs in one task."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.compat import TaskDeferred
from support.running import Store, TaskLog, TaskRun, run_task, run_trigger
from support.speech import AUDIO, speech
from support.submits import SUBMITS

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsJobsFailedError, ImsJobTimeoutError, ImsPermissionError, ImsRequestError
from airflow_provider_ims.links import ConsoleLink
from airflow_provider_ims.operators import _results
from airflow_provider_ims.operators.ims import ImsSubmitJobsOperator
from airflow_provider_ims.operators.vod import VodSubmitJobsOperator
from airflow_provider_ims.triggers.base import JobTrigger

every_mode = pytest.mark.parametrize("deferrable", [True, False], ids=["deferred", "blocking"])


@every_mode
@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_each_request_becomes_one_job_and_the_results_are_in_the_order_of_the_requests(
    deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    result = run_task(speech(120, deferrable=deferrable))
    assert (result["total"], result["succeeded"], result["failed"]) == (120, 120, 0)
    jobs = {job["job_id"]: job["parameters"]["InputConfig"] for job in ims_emulator.jobs()}
    assert [jobs[one["job_id"]] for one in result["jobs"]] == [f"Text {number}" for number in range(120)]
    assert [one["index"] for one in result["jobs"]] == list(range(120))
    assert [one["job_id"] for one in result["results"]] == [one["job_id"] for one in result["jobs"]]
    assert len(jobs) == 120


@every_mode
@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_at_most_max_active_jobs_run_at_the_same_time(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    result = run_task(speech(30, deferrable=deferrable, max_active_jobs=8))
    assert result["succeeded"] == 30
    jobs = ims_emulator.jobs()
    assert max(sum(one["created"] <= job["created"] < one["ended"] for one in jobs) for job in jobs) <= 8


def test_all_requests_are_validated_before_the_first_is_sent(ims_emulator: ImsEmulator) -> None:
    requests = [{"InputConfig": "Text"}] * 5 + [{"InputConfig": "Text", "EditingConfig": {"volume": 101}}]
    with pytest.raises(ImsRequestError, match=r"requests\[5\]: EditingConfig") as error:
        run_task(speech(0, requests=requests))
    assert error.value.field == "requests[5].EditingConfig.volume"
    assert ims_emulator.requests(AUDIO) == []


@every_mode
@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_a_retry_submits_only_the_failed_jobs(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(AUDIO, "fail_job", count=7, code="Bad", message="Unusable.")
    run = TaskRun(speech(100, deferrable=deferrable))
    with pytest.raises(ImsJobsFailedError, match=r"7 of 100 jobs failed.*Unusable") as error:
        run.attempt()
    assert len(str(error.value)) < 3000
    assert run.attempt()["succeeded"] == 100
    assert len(ims_emulator.jobs()) == 107


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_failed_jobs_up_to_max_failures_do_not_fail_the_task(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(AUDIO, "fail_job", count=7, code="Bad", message="Unusable.")
    with TaskLog.capture() as log:
        result = run_task(speech(20, max_failures=10))
    assert (result["succeeded"], result["failed"]) == (13, 7)
    assert sum(one is None for one in result["results"]) == 7
    assert sum("7 of 20 jobs failed" in line for line in log.lines("warning")) == 1


@every_mode
@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_the_progress_includes_the_failed_jobs_of_earlier_waves(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(AUDIO, "fail_job", count=3, code="Bad", message="Unusable.")
    with TaskLog.capture() as log:
        run_task(speech(12, deferrable=deferrable, max_active_jobs=4, max_failures=3))
    assert any("12 of 12 jobs ended, 3 failed" in line for line in log.lines("info"))


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_the_results_are_written_to_a_file(tmp_path: Path, ims_emulator: ImsEmulator) -> None:
    path = tmp_path / "new" / "results.jsonl"
    result = run_task(speech(10, results_path=f"file://{path}"))
    assert "results" not in result
    assert result["results_path"] == f"file://{path}"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(one["index"], one["job_id"]) for one in lines] == [(one["index"], one["job_id"]) for one in result["jobs"]]
    assert all(one["result"]["media_id"] for one in lines)


def test_a_task_that_fails_while_it_writes_its_results_keeps_the_earlier_file(
    tmp_path: Path, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.jsonl"
    run = TaskRun(speech(5, results_path=f"file://{path}"))
    run.attempt()
    complete = path.read_text()

    def fail(results: _results.JobResults, index: int, *arguments: Any) -> None:
        if index == 3:
            raise KeyboardInterrupt
        original(results, index, *arguments)

    original = _results.JobResults.add
    monkeypatch.setattr(_results.JobResults, "add", fail)
    with pytest.raises(KeyboardInterrupt):
        run.attempt()
    monkeypatch.setattr(_results.JobResults, "add", original)
    assert path.read_text() == complete
    assert [one.name for one in tmp_path.iterdir()] == ["results.jsonl"]
    run.attempt()
    assert path.read_text() == complete


@pytest.mark.parametrize(
    ("allowed", "fails"), [(0.1, False), (0.05, True), (0.109, False), ("2", False), (1.0, True), (1e999, False)]
)
def test_max_failures_is_a_number_or_a_fraction(allowed: Any, fails: bool, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(AUDIO, "fail_job", count=2, code="Bad", message="Unusable.")
    task = speech(20, max_failures=allowed)
    if fails:
        with pytest.raises(ImsJobsFailedError):
            run_task(task)
    else:
        assert run_task(task)["failed"] == 2


def test_a_request_that_repeats_a_client_token_is_rejected(ims_emulator: ImsEmulator) -> None:
    requests = [{"ClientToken": token} for token in ("a", "b", "a")]
    task = ImsSubmitJobsOperator(
        task_id="jobs",
        job="SubmitSegmentationJob",
        requests=requests,
        parameters=SUBMITS["ice", "SubmitSegmentationJob"],
    )
    with pytest.raises(ImsRequestError, match=r"requests\[2\]: ClientToken is the same as in requests\[0\]"):
        run_task(task)
    assert ims_emulator.jobs() == []


class XComOfMappedTask(Sequence[dict[str, Any]]):
    """A sequence that is not a list, like Airflow's ``LazyXComSequence``."""

    def __init__(self, items: list[dict[str, Any]]) -> None:
        self._items = items

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)


def test_the_requests_can_be_the_xcom_of_a_mapped_task(ims_emulator: ImsEmulator) -> None:
    task = speech(0)
    task.requests = XComOfMappedTask([{"InputConfig": "One"}, {"InputConfig": "Two"}])
    assert run_task(task)["succeeded"] == 2


def test_equal_requests_become_different_jobs(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(0, requests=[{"InputConfig": "Text"}] * 5))
    ims_emulator.fault(AUDIO, "fail_job", count=2, code="Bad", message="Unusable.")
    with pytest.raises(ImsJobsFailedError):
        run.attempt()
    assert len({one["job_id"] for one in run.attempt()["jobs"]}) == 5
    assert len(ims_emulator.jobs()) == 7


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_a_task_with_many_jobs_has_a_console_link(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(5))
    run.attempt()
    assert run.xcoms[ConsoleLink().xcom_key] == "https://ims.console.aliyun.com"


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_all_waves_of_a_try_have_the_same_deadline(ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines = []
    original = JobTrigger.__post_init__

    def record(trigger: JobTrigger) -> None:
        deadlines.append(trigger.deadline)
        original(trigger)

    monkeypatch.setattr(JobTrigger, "__post_init__", record)
    run_task(speech(8, deferrable=True, max_active_jobs=2))
    assert len(deadlines) > 4
    assert len(set(deadlines)) == 1


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_a_changed_list_keeps_the_jobs_of_unchanged_requests(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(AUDIO, "fail_job", code="Bad", message="Unusable.")
    run = TaskRun(speech(10))
    with pytest.raises(ImsJobsFailedError):
        run.attempt()
    run.task.requests = [{"InputConfig": "New"}, *reversed(run.task.requests[:5]), {"InputConfig": "Text 7"}]
    with TaskLog.capture() as log:
        result = run.attempt()
    jobs = {job["job_id"]: job["parameters"]["InputConfig"] for job in ims_emulator.jobs()}
    assert [jobs[one["job_id"]] for one in result["jobs"]] == [one["InputConfig"] for one in run.task.requests]
    assert sum("The requests have changed" in line for line in log.lines("warning")) == 1
    assert len(jobs) in (11, 12)


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_a_rejected_request_does_not_stop_the_others(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(AUDIO, "error", code="InvalidParameter", status=400, count=2)
    with pytest.raises(ImsJobsFailedError, match="2 of 20 jobs failed"):
        run_task(speech(20))
    assert len(ims_emulator.jobs()) == 18


@every_mode
@pytest.mark.ims_emulator(durations={AUDIO: 60})
def test_the_timeout_error_contains_the_number_of_jobs_that_did_not_end(
    deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    with pytest.raises(ImsJobTimeoutError, match="12 of 12 jobs did not end"):
        run_task(speech(12, deferrable=deferrable, timeout=0.3))


@pytest.mark.ims_emulator(durations={"SubmitAIImageJob": 0.1})
def test_a_task_with_many_vod_jobs_returns_their_results_in_order(ims_emulator: ImsEmulator) -> None:
    requests = [{"VideoId": f"video-{number}"} for number in range(25)]
    task = VodSubmitJobsOperator(
        task_id="jobs",
        job="SubmitAIImageJob",
        requests=requests,
        parameters={"AITemplateId": "template"},
        poll_interval=0.05,
        deferrable=True,
    )
    result = run_task(task)
    assert [one["video_id"] for one in result["results"]] == [one["VideoId"] for one in requests]


def run_until_timeout(run: TaskRun) -> None:
    """Run a try whose jobs never end."""
    with pytest.raises(ImsJobTimeoutError):
        run.attempt()


@pytest.mark.ims_emulator(durations={AUDIO: 3600})
def test_a_cleared_task_joins_the_jobs_whose_results_were_not_collected(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(10, timeout=0.3))
    run_until_timeout(run)
    run.clear()
    run_until_timeout(run)
    assert len(ims_emulator.jobs()) == 10


@pytest.mark.ims_emulator(durations={AUDIO: 3600})
def test_a_cleared_task_with_on_clear_new_submits_new_jobs(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(10, timeout=0.3, on_clear="new"))
    run_until_timeout(run)
    run.clear()
    run_until_timeout(run)
    assert len(ims_emulator.jobs()) == 20


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
@pytest.mark.parametrize(("on_clear", "jobs"), [("auto", 20), ("rejoin", 10)])
def test_a_task_that_is_cleared_after_its_success_joins_its_jobs_only_with_on_clear_rejoin(
    on_clear: str, jobs: int, ims_emulator: ImsEmulator
) -> None:
    run = TaskRun(speech(10, on_clear=on_clear))
    run.attempt()
    run.clear()
    assert run.attempt()["succeeded"] == 10
    assert len(ims_emulator.jobs()) == jobs


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_without_a_store_a_retry_finds_the_jobs_by_their_markers(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(20), store=None)
    run.attempt()
    assert run.attempt()["succeeded"] == 20
    assert len(ims_emulator.jobs()) == 20


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_nothing_is_submitted_if_the_records_cannot_be_written(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the store is down")

    monkeypatch.setattr(Store, "set", fail)
    with pytest.raises(RuntimeError, match="the store is down"):
        run_task(speech(20))
    assert ims_emulator.jobs() == []


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_jobs_are_not_lost_if_their_ids_cannot_be_written(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Store.set

    def fail_for_ids(store: Store, key: str, value: Any) -> None:
        if isinstance(value, list) and any("job_id" in entry for entry in value):
            raise RuntimeError("the store is down")
        original(store, key, value)

    run = TaskRun(speech(20))
    with monkeypatch.context() as patched, TaskLog.capture() as log:
        patched.setattr(Store, "set", fail_for_ids)
        assert run.attempt()["succeeded"] == 20
    assert any("Writing the records of 20 jobs failed" in line for line in log.lines("warning"))
    run.task.on_clear = "rejoin"
    assert run.attempt()["succeeded"] == 20
    assert len(ims_emulator.jobs()) == 20


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_a_denied_submit_request_fails_the_try_and_a_retry_continues(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(120))
    ims_emulator.fault(AUDIO, "deny", count=None, share=0.02, seed=1)
    with pytest.raises(ImsPermissionError):
        run.attempt()
    submitted = len(ims_emulator.jobs())
    assert 0 < submitted < 120
    ims_emulator.clear_faults()
    assert run.attempt()["succeeded"] == 120
    assert len(ims_emulator.jobs()) == 120


@pytest.mark.ims_emulator(durations={"SubmitIProductionJob": 3600})
def test_the_jobs_are_cancelled_when_the_last_try_times_out(ims_emulator: ImsEmulator) -> None:
    task = ImsSubmitJobsOperator(
        task_id="jobs",
        job="SubmitIProductionJob",
        requests=[{"Name": f"Job {number}"} for number in range(12)],
        parameters=SUBMITS["ice", "SubmitIProductionJob"],
        timeout=0.3,
        poll_interval=0.05,
    )
    run = TaskRun(task, retries=1)
    run_until_timeout(run)
    assert ims_emulator.requests("CancelIProductionJob") == []
    run_until_timeout(run)
    assert len(ims_emulator.requests("CancelIProductionJob")) == 12


@pytest.mark.ims_emulator(durations={AUDIO: 0.1})
def test_a_restarted_trigger_waits_for_the_same_jobs(ims_emulator: ImsEmulator) -> None:
    task, context = TaskRun(speech(12, deferrable=True), try_number=1).new_process()
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(context)
    first, second = (run_trigger(deferred.value.trigger) for _ in range(2))
    assert first == second
    assert (first["status"], first["job_ids"], len(first["waited_for"])) == ("unfinished", [], 12)
    assert len(ims_emulator.jobs()) == 12


def test_results_that_are_too_large_for_xcom_are_not_lost(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(_results, "MAX_INLINE", 100)
    run = TaskRun(speech(5))
    with pytest.raises(ImsRequestError, match="Set results_path and clear the task"):
        run.attempt()
    run.task.results_path = f"file://{tmp_path}/results.jsonl"
    run.clear()
    assert run.attempt()["succeeded"] == 5
    assert len(ims_emulator.jobs()) == 5


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"requests": []}, "requests: must be a list of 1 to 10,000 dicts"),
        ({"requests": "[{}]"}, "requests: must be a list of 1 to 10,000 dicts"),
        ({"requests": ["text"]}, r"requests\[0\]: must be a dict"),
        ({"requests": [{"InputConfig": "x", "Tittle": "y"}]}, r"requests\[0\]: .*unknown parameter 'Tittle'"),
        (
            {"max_failures": -1},
            r"max_failures: -1 is neither a number of jobs \(0 or more\) nor a fraction",
        ),
        ({"max_active_jobs": "many"}, "max_active_jobs: 'many' is not a number from 1 to 10,000"),
        ({"max_submits_per_second": 0}, "max_submits_per_second: 0 is not a number greater than 0 and at most 1,000"),
        ({"max_active_jobs": 0.5}, "max_active_jobs: 0.5 is not a number from 1 to 10,000"),
        ({"requests": [{"InputConfig": "x"}, {1: "y"}]}, r"requests\[1\]: must be a dict"),
        ({"parameters": ["x"]}, "^parameters: must be a dict"),
        ({"parameters": {1: "y"}}, "^parameters: must be a dict"),
        ({"parameters": []}, "^parameters: must be a dict"),
        (
            {"results_path": "nothing://bucket/results"},
            "the storage of 'nothing://bucket/results' cannot be used",
        ),
        ({"timeout": "soon"}, "timeout: 'soon' is not a number of seconds greater than 0"),
        ({"poll_interval": -5}, r"poll_interval: -5 is not a number of seconds .* at most 31,622,400 \(366 days\)"),
    ],
)
def test_an_invalid_argument_is_rejected_before_the_first_submit_request(
    arguments: dict[str, Any], problem: str, ims_emulator: ImsEmulator
) -> None:
    with pytest.raises(ImsRequestError, match=problem):
        run_task(speech(2, **arguments))
    assert ims_emulator.jobs() == []


@pytest.mark.parametrize(
    ("arguments", "field"),
    [({"parameters": ["x"]}, "parameters"), ({"requests": [{"InputConfig": "x"}, "text"]}, "requests[1]")],
)
def test_the_error_for_an_invalid_argument_contains_its_field(
    arguments: dict[str, Any], field: str, ims_emulator: ImsEmulator
) -> None:
    with pytest.raises(ImsRequestError) as error:
        run_task(speech(2, **arguments))
    assert error.value.field == field
