"""The jobs of a task with many jobs after a crash, a clear or a change of the requests, and with concurrent tries."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from support.compat import TaskDeferred
from support.running import KilledError, Store, TaskLog, TaskRun, run_trigger
from support.speech import AUDIO, speech, spoken, texts_of
from support.submits import SUBMITS

from airflow_provider_ims._submission import bulk_submitter, lost_jobs, window
from airflow_provider_ims._submission.ledger import Ledger
from airflow_provider_ims._waiting import monitor
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsError, ImsJobsFailedError, ImsJobTimeoutError
from airflow_provider_ims.operators import _many_jobs
from airflow_provider_ims.operators.ims import ImsSubmitJobsOperator
from airflow_provider_ims.operators.vod import VodSubmitJobsOperator

short_jobs = pytest.mark.ims_emulator(durations={AUDIO: 0.02})
endless_jobs = pytest.mark.ims_emulator(durations={AUDIO: 3600})
every_mode = pytest.mark.parametrize("deferrable", [True, False], ids=["deferred", "blocking"])


class WatchedStore(Store):
    """
    A store that calls a function before each access.

    :param before: The function. Its argument is the number of earlier accesses.
    """

    before: Callable[[int], None]
    accesses = 0

    def _access(self) -> None:
        self.accesses += 1
        self.before(self.accesses - 1)

    def get(self, key: str, default: Any = None) -> Any:
        self._access()
        return super().get(key, default)

    def set(self, key: str, value: Any) -> None:
        self._access()
        super().set(key, value)


def watched(before: Callable[[int], None], content: Store | None = None) -> WatchedStore:
    store = WatchedStore(content or {})
    store.before = before
    return store


@pytest.fixture(autouse=True)
def small_windows_and_no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "SIZE", 2)
    monkeypatch.setattr(lost_jobs, "pauses", lambda seconds: [0.0] if seconds else [])


def attempts(run: TaskRun, tries: int = 4) -> Any:
    """Run up to ``tries`` tries, until one succeeds."""
    for _ in range(tries - 1):
        try:
            return run.attempt()
        except ImsError:
            continue
    return run.attempt()


def number_of_accesses(**options: Any) -> int:
    store = watched(lambda _: None)
    TaskRun(speech(5, **options), store=store).attempt()
    return store.accesses


@short_jobs
@pytest.mark.parametrize("clear", [False, True], ids=["retry", "clear"])
@pytest.mark.parametrize("max_active", [None, 2], ids=["at once", "waves"])
def test_a_task_killed_at_any_access_to_its_store_submits_each_job_once(
    max_active: int | None, clear: bool, ims_emulator: ImsEmulator
) -> None:
    jobs_at_kill = set()
    for point in count():
        ims_emulator.reset()

        def kill(access: int, point: int = point) -> None:
            if access >= point:
                raise KilledError

        run = TaskRun(speech(5, max_active_jobs=max_active, deferrable=True), store=watched(kill))
        try:
            run.attempt()
            break  # The task makes no further access, so it was killed at each of them.
        except KilledError:
            jobs_at_kill.add(len(ims_emulator.jobs()))
        assert run.store is not None
        run.store = Store(run.store)
        if clear:
            run.clear()
        run.task.requests = texts_of([4, 3, 99, 2, 1])
        changed = attempts(run)
        assert spoken(ims_emulator, changed) == [f"Text {number}" for number in [4, 3, 99, 2, 1]], point
        texts = [job["parameters"]["InputConfig"] for job in ims_emulator.jobs()]
        assert len(texts) == len(set(texts)), f"killed at access {point}"
    # The number of jobs in a wave depends on when they end, except in the first wave.
    assert jobs_at_kill > {0, 2} if max_active else jobs_at_kill == {0, 2, 4, 5}


class SharedStore(Store):
    """Reads and writes the content of another store, without its watcher."""

    def __init__(self, other: Store) -> None:
        super().__init__()
        self._other = other

    def get(self, key: str, default: Any = None) -> Any:
        return dict.get(self._other, key, default)

    def set(self, key: str, value: Any) -> None:
        Store.set(self._other, key, value)


@short_jobs
def test_two_concurrent_tries_submit_each_job_once(ims_emulator: ImsEmulator) -> None:
    """A worker stalls at each access to its store in turn, while another worker runs the next try."""
    accesses = number_of_accesses()
    for point in range(accesses):
        ims_emulator.reset()
        results: list[Any] = []
        store = watched(lambda _: None)

        def stall(access: int, point: int = point, results: list[Any] = results, store: Store = store) -> None:
            if access == point:
                results.append(TaskRun(speech(5), store=SharedStore(store), try_number=1).attempt())

        store.before = stall
        with suppress(ImsError):
            results.append(TaskRun(speech(5), store=store).attempt())
        assert len(ims_emulator.jobs()) == 5, f"stalled at access {point} of {accesses}"
        assert all(one == results[0] for one in results)


@short_jobs
def test_without_a_store_each_retry_submits_only_the_failed_jobs(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(10), store=None)
    for failures in (3, 2):
        ims_emulator.fault(AUDIO, "fail_job", count=failures, code="Bad", message="Unusable.")
        with pytest.raises(ImsJobsFailedError, match=f"{failures} of 10 jobs failed"):
            run.attempt()
    assert run.attempt()["succeeded"] == 10
    assert len(ims_emulator.jobs()) == 15


@short_jobs
def test_without_a_store_a_retry_in_waves_submits_each_job_once(ims_emulator: ImsEmulator) -> None:
    task = speech(12, max_active_jobs=3, deferrable=True)
    run = TaskRun(task, store=None)
    ims_emulator.fault(AUDIO, "fail_job", count=2, code="Bad", message="Unusable.")
    ims_emulator.fault(AUDIO, "cut_after", count=None, share=0.2, seed=5)
    result = attempts(run)
    assert spoken(ims_emulator, result) == [f"Text {number}" for number in range(12)]
    assert len(ims_emulator.jobs()) == 14


@endless_jobs
def test_lost_jobs_count_as_active(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(AUDIO, "cut_after", count=2)
    run = TaskRun(speech(10, max_active_jobs=3, timeout=0.3))
    with pytest.raises(ImsJobTimeoutError):
        run.attempt()
    assert len(ims_emulator.jobs()) == 3


@short_jobs
def test_after_a_clear_jobs_that_the_service_does_not_know_are_submitted_again(
    monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    monkeypatch.setattr(monitor, "UNKNOWN_GRACE", 0.1)
    ims_emulator.fault(AUDIO, "fail_job", code="Bad", message="Unusable.")
    run = TaskRun(speech(3))
    with pytest.raises(ImsJobsFailedError):
        run.attempt()
    assert run.store is not None
    (slot,) = [value for value in run.store.values() if isinstance(value, list)]
    for entry in slot:
        entry["job_id"] = "0" * 31 + str(entry["job_id"])[-1]
    with pytest.raises(ImsJobsFailedError, match="The service does not know job"):
        run.attempt()
    run.clear()
    assert run.attempt()["succeeded"] == 3
    assert len(ims_emulator.jobs()) == 6


def unlistable(count: int, **more: Any) -> Any:
    requests = [{"Name": f"Job {number}"} for number in range(count)]
    common = SUBMITS["ice", "SubmitIProductionJob"]
    options = {"poll_interval": 0.05, "max_submits_per_second": 1000, **more}
    return ImsSubmitJobsOperator(
        task_id="jobs", job="SubmitIProductionJob", requests=requests, parameters=common, **options
    )


def test_with_on_uncertain_fail_a_lost_job_is_submitted_again_only_after_a_clear(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SubmitIProductionJob", "cut_after")
    run = TaskRun(unlistable(5, on_uncertain="fail"))
    for _ in range(2):
        with pytest.raises(ImsJobsFailedError, match=r"1 of 5 jobs failed.*on_uncertain is 'fail'"):
            run.attempt()
    run.clear()
    assert run.attempt()["succeeded"] == 5
    assert len(ims_emulator.jobs()) == 6


def test_unsafe_submit_requests_are_limited_across_all_tries(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SubmitIProductionJob", "cut_after", count=None)
    run = TaskRun(unlistable(1), retries=9)
    for _ in range(6):
        with pytest.raises(ImsJobsFailedError, match="submit requests received no response"):
            run.attempt()
    assert len(ims_emulator.jobs()) == bulk_submitter.MAX_UNSAFE_SUBMITS


def test_a_rejected_duplicate_does_not_stop_the_other_requests(ims_emulator: ImsEmulator) -> None:
    common = SUBMITS["vod", "SubmitTranscodeJobs"]
    ims_emulator.fault("SubmitTranscodeJobs", "cut_after")
    task = VodSubmitJobsOperator(
        task_id="jobs",
        job="SubmitTranscodeJobs",
        requests=[{"UserData": {"Extend": {"Number": number}}} for number in range(6)],
        parameters=common,
        poll_interval=0.05,
        max_failures=1,
    )
    result = TaskRun(task).attempt()
    assert (result["succeeded"], result["failed"]) == (5, 1)
    assert len(ims_emulator.jobs()) == 6


@short_jobs
def test_a_request_that_was_removed_and_added_again_keeps_its_job(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(6, on_clear="rejoin"))
    run.attempt()
    all_requests, run.task.requests = run.task.requests, run.task.requests[:2]
    run.attempt()
    run.task.requests = all_requests
    run.clear()
    assert run.attempt()["succeeded"] == 6
    assert len(ims_emulator.jobs()) == 6


def deferred(run: TaskRun) -> TaskDeferred:
    run.try_number += 1
    task, context = run.new_process()
    with pytest.raises(TaskDeferred) as error:
        task.execute(context)
    return error.value


def resumed(run: TaskRun, at: TaskDeferred, event: Any) -> Any:
    task, context = run.new_process()
    return task.resume_execution(at.method_name, {**at.kwargs, "event": event}, context)


@short_jobs
@pytest.mark.parametrize("store", [True, False], ids=["store", "no store"])
def test_requests_that_change_during_the_wait_do_not_change_the_result(store: bool, ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(4, deferrable=True), **({} if store else {"store": None}))
    at = deferred(run)
    event = run_trigger(at.trigger)
    run.task.requests = texts_of([3, 2, 1, 0])
    with TaskLog.capture() as log:
        result = resumed(run, at, event)
    assert spoken(ims_emulator, result) == [f"Text {number}" for number in range(4)]
    assert any("The requests changed while the task was deferred" in line for line in log.lines("warning"))
    assert len(ims_emulator.jobs()) == 4


@short_jobs
@pytest.mark.parametrize("store", [True, False], ids=["store", "no store"])
def test_requests_that_change_between_two_waves_are_matched_with_their_jobs_by_a_retry(
    store: bool, ims_emulator: ImsEmulator
) -> None:
    run = TaskRun(speech(6, deferrable=True, max_active_jobs=4), **({} if store else {"store": None}))
    at = deferred(run)
    event = run_trigger(at.trigger)
    run.task.requests = texts_of([5, 4, 3, 2, 1, 0])
    with pytest.raises(ImsError, match="The requests changed while the task was deferred"):
        resumed(run, at, event)
    assert len(ims_emulator.jobs()) == 4
    assert spoken(ims_emulator, run.attempt()) == [f"Text {number}" for number in (5, 4, 3, 2, 1, 0)]
    assert len(ims_emulator.jobs()) == 6


@short_jobs
@pytest.mark.parametrize("max_active", [None, 4], ids=["at once", "waves"])
def test_a_task_whose_deferral_lost_its_arguments_uses_the_ledger(
    max_active: int | None, ims_emulator: ImsEmulator
) -> None:
    """``dag.test()`` resumes a task without the arguments of its deferral."""
    run = TaskRun(speech(9, deferrable=True, max_active_jobs=max_active))
    at = deferred(run)
    while True:
        event = run_trigger(at.trigger)
        task, context = run.new_process()
        try:
            result = task.resume_execution(at.method_name, {"event": event}, context)
            break
        except TaskDeferred as again:
            at = again
    assert spoken(ims_emulator, result) == [f"Text {number}" for number in range(9)]
    assert len(ims_emulator.jobs()) == 9


@short_jobs
def test_a_store_that_is_emptied_during_the_wait_loses_no_job(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(9, deferrable=True, max_active_jobs=4))
    at = deferred(run)
    event = run_trigger(at.trigger)
    run.store = Store()
    with pytest.raises(TaskDeferred):
        resumed(run, at, event)
    assert spoken(ims_emulator, run.attempt()) == [f"Text {number}" for number in range(9)]
    assert len(ims_emulator.jobs()) == 9


@short_jobs
def test_a_store_that_fails_at_the_end_does_not_fail_the_task(ims_emulator: ImsEmulator) -> None:
    last = number_of_accesses() - 1
    ims_emulator.reset()

    def fail(access: int) -> None:
        if access == last:
            raise RuntimeError("the store is down")

    with TaskLog.capture() as log:
        assert TaskRun(speech(5), store=watched(fail)).attempt()["succeeded"] == 5
    assert "Storing the outcome of the task failed: the store is down" in log.lines("warning")


@endless_jobs
def test_the_log_warns_of_running_jobs_that_a_clear_abandons(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(speech(4, timeout=0.3, on_clear="new"))
    for _ in range(2):
        with TaskLog.capture() as log, pytest.raises(ImsJobTimeoutError):
            run.attempt()
        run.clear()
    assert any("4 earlier jobs may still be running and are billed" in line for line in log.lines("warning"))
    assert len(ims_emulator.jobs()) == 8


@endless_jobs
def test_nothing_is_submitted_after_the_timeout(monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator) -> None:
    original = bulk_submitter.BulkSubmitter

    def slow(*args: Any, **options: Any) -> Any:
        return original(*args, **options, now=lambda: 4e9)

    monkeypatch.setattr(_many_jobs, "BulkSubmitter", slow)
    with pytest.raises(ImsJobTimeoutError, match="9 of 9 requests were not sent"):
        TaskRun(speech(9)).attempt()
    assert ims_emulator.jobs() == []


@short_jobs
def test_a_worker_that_was_suspended_checks_the_owner_before_it_sends_the_rest_of_a_window(
    monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    clock = count(time.time(), window.MAX_AGE / 3)
    original = bulk_submitter.BulkSubmitter
    monkeypatch.setattr(window, "SIZE", 50)
    monkeypatch.setattr(
        _many_jobs, "BulkSubmitter", lambda *args, **options: original(*args, **options, now=lambda: next(clock))
    )
    checks = []
    check = Ledger.check_owner
    monkeypatch.setattr(Ledger, "check_owner", lambda ledger: (checks.append(1), check(ledger)))
    assert TaskRun(speech(8)).attempt()["succeeded"] == 8
    assert len(ims_emulator.jobs()) == 8
    assert len(checks) >= 4


@short_jobs
def test_requests_without_room_for_a_marker_are_submitted_once(ims_emulator: ImsEmulator) -> None:
    task = speech(8, parameters={**speech(1).parameters, "UserData": {"Note": "x" * 480}})
    assert TaskRun(task).attempt()["succeeded"] == 8
    assert len(ims_emulator.jobs()) == 8
