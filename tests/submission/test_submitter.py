from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from support.cases import AUDIO, BATCH, CASES, IMAGE, TEXT, Case
from support.running import KilledError, Store, TaskLog, TaskRun, run_task

from airflow_provider_ims._jobs.marker import MARKER, key_in
from airflow_provider_ims._submission import Submitter
from airflow_provider_ims._submission.record import STORE_KEY
from airflow_provider_ims._submission.recovery import MAX_SUBMITS
from airflow_provider_ims._submission.submitter import pauses
from airflow_provider_ims._tasks import JobTask
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import (
    ImsJobFailedError,
    ImsJobNotFoundError,
    ImsJobTimeoutError,
    ImsPermissionError,
    ImsRequestError,
    ImsUncertainSubmitError,
)
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook
from airflow_provider_ims.operators import base as operators

MODES = {"deferrable": {"deferrable": True}, "synchronous": {"deferrable": False}}
every_kind = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
#: It is not documented whether the service lists text jobs.
text_jobs_listed = pytest.mark.ims_emulator(list_text_jobs=True, durations={case.submit: 0 for case in CASES.values()})
never_ending = pytest.mark.ims_emulator(
    list_text_jobs=True, clock="manual", durations={case.submit: 60 for case in CASES.values()}
)


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the sleeps of the submitter, and return their durations."""
    pauses: list[float] = []
    monkeypatch.setattr(operators, "Submitter", partial(Submitter, sleep=pauses.append))
    return pauses


@dataclass
class Kill:
    """Kills the task's process once."""

    monkeypatch: pytest.MonkeyPatch
    done: list[str] = field(default_factory=list)

    def once(self) -> None:
        if not self.done:
            self.done.append("killed")
            raise KilledError

    def around(self, owner: type, name: str, *, before: bool, when: Callable[..., bool] = lambda *_: True) -> None:
        original = getattr(owner, name)

        def wrapped(*args: Any, **options: Any) -> Any:
            if before and when(*args):
                self.once()
            result = original(*args, **options)
            if not before and when(*args):
                self.once()
            return result

        self.monkeypatch.setattr(owner, name, wrapped)


def submits(hook: Any, action: Any, parameters: Any) -> bool:
    return bool(action.name.startswith("Submit"))


def records_a_job_id(store: Any, key: str, value: Any) -> bool:
    return value["job_id"] is not None


POINTS: dict[str, Callable[[Kill], None]] = {
    "before the request": lambda kill: kill.around(AlibabaCloudMediaHook, "_send", before=True, when=submits),
    "before the response": lambda kill: kill.around(AlibabaCloudMediaHook, "_send", before=False, when=submits),
    "before the record": lambda kill: kill.around(Store, "set", before=True, when=records_a_job_id),
    "after the record": lambda kill: kill.around(Store, "set", before=False, when=records_a_job_id),
    "in the resume phase": lambda kill: kill.around(JobTask, "ended_jobs", before=True),
}


@every_kind
@every_mode
@pytest.mark.parametrize("point", POINTS)
@text_jobs_listed
def test_a_task_killed_at_any_point_submits_one_job(
    case: Case, mode: dict[str, Any], point: str, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
) -> None:
    kill = Kill(monkeypatch)
    POINTS[point](kill)
    run = TaskRun(case.task(**mode))
    if point == "in the resume phase" and not mode["deferrable"]:
        run.attempt()
    else:
        with pytest.raises(KilledError):
            run.attempt()
    assert run.attempt()["state"] == case.ended
    assert len(ims_emulator.jobs()) == 1


LOST = {
    "cut": ("cut_after", {}),
    "server error": ("server_error", {}),
    "unavailable": ("unavailable", {}),
    "garbage": ("non_json", {"status": 200}),
    "no id": ("odd_shape", {"drop": ["JobId"]}),
}


@every_kind
@pytest.mark.parametrize("lost", LOST)
@text_jobs_listed
def test_a_lost_response_is_followed_by_a_search_and_one_job_is_submitted(
    case: Case, lost: str, ims_emulator: ImsEmulator
) -> None:
    kind, options = LOST[lost]
    ims_emulator.fault(case.submit, kind, **options)
    assert run_task(case.task())["state"] == case.ended
    assert len(ims_emulator.jobs()) == 1


@every_kind
@text_jobs_listed
def test_the_search_waits_for_a_listing_that_lags(
    case: Case, ims_emulator: ImsEmulator, slept: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = {"image": "ListAIImageInfo", "batch": "ListBatchMediaProducingJobs"}
    action = listing.get(case.operator.kind.family.name.removeprefix("ai_"), "ListSmartJobs")
    empty = {"ListAIImageInfo": "AIImageInfoList", "ListSmartJobs": "SmartJobList"}.get(action, "EditingBatchJobList")
    ims_emulator.fault(action, "odd_shape", count=2, body={"RequestId": "x", empty: []})
    ims_emulator.fault(case.submit, "cut_after")
    assert run_task(case.task())["state"] == case.ended
    assert len(ims_emulator.jobs()) == 1
    if case is BATCH:
        # Because of the ClientToken, the service returns the first job for a second submit request.
        assert slept == []
        assert len(ims_emulator.requests(case.submit)) == 2
    else:
        assert slept == [1.0, 2.0]
        assert len(ims_emulator.requests(case.submit)) == 1


class TestNotFound:
    """Jobs that a search does not find: text jobs that are not listed, and running AI image jobs."""

    def test_the_default_submits_again_after_the_search_time_and_warns_of_two_jobs(
        self, ims_emulator: ImsEmulator, slept: list[float], task_log: TaskLog
    ) -> None:
        ims_emulator.fault(TEXT.submit, "cut_after")
        assert run_task(TEXT.task())["state"] == "Finished"
        assert sum(slept) == TEXT.operator.kind.family.search_lag
        assert len(ims_emulator.jobs()) == 2
        assert any("there will be two jobs" in line for line in task_log.lines("warning"))

    def test_both_submit_requests_contain_the_same_marker(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "cut")
        run_task(TEXT.task())
        lost, repeated = ims_emulator.requests(TEXT.submit)
        assert lost["parameters"] == repeated["parameters"]

    def test_on_uncertain_fail_raises_an_error_that_contains_the_marker(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "cut_after")
        run = TaskRun(TEXT.task(on_uncertain="fail"))
        with pytest.raises(ImsUncertainSubmitError) as caught:
            run.attempt()
        (job,) = ims_emulator.jobs()
        assert str(key_in(job["parameters"]["UserData"])) == caught.value.key
        assert str(caught.value.key) in str(caught.value)
        with pytest.raises(ImsUncertainSubmitError):
            run.attempt()
        assert len(ims_emulator.jobs()) == 1

    @never_ending
    def test_an_ai_image_job_is_found_after_it_has_produced_images(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(IMAGE.submit, "cut_after")
        run = TaskRun(IMAGE.task(on_uncertain="fail"))
        with pytest.raises(ImsUncertainSubmitError):
            run.attempt()
        ims_emulator.advance(60)
        assert run.attempt()["state"] == "success"
        assert len(ims_emulator.jobs()) == 1

    def test_on_uncertain_fail_submits_again_after_a_conclusive_search(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(AUDIO.submit, "server_error")
        run_task(AUDIO.task(on_uncertain="fail", wait_for_completion=False))
        assert len(ims_emulator.requests(AUDIO.submit)) == 2

    def test_the_number_of_submit_requests_in_one_try_is_limited(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(AUDIO.submit, "server_error", count=None)
        with pytest.raises(ImsUncertainSubmitError, match=f"{MAX_SUBMITS} submit requests"):
            run_task(AUDIO.task())
        assert len(ims_emulator.requests(AUDIO.submit)) == MAX_SUBMITS

    def test_two_jobs_are_the_maximum_for_any_number_of_lost_responses_and_tries(
        self, ims_emulator: ImsEmulator
    ) -> None:
        ims_emulator.fault(TEXT.submit, "cut_after", count=None)
        run = TaskRun(TEXT.task())
        for _ in range(4):
            with pytest.raises(ImsUncertainSubmitError, match="2 submit requests received no response"):
                run.attempt()
        assert len(ims_emulator.jobs()) == 2

    def test_nothing_is_submitted_after_a_submission_that_was_accepted_without_an_id(
        self, ims_emulator: ImsEmulator
    ) -> None:
        ims_emulator.fault(TEXT.submit, "odd_shape", count=None, drop=["JobId"], merge={"Data": {"JobId": "x"}})
        run = TaskRun(TEXT.task())
        for _ in range(2):
            with pytest.raises(ImsUncertainSubmitError, match="accepted a submit request"):
                run.attempt()
        assert len(ims_emulator.jobs()) == 1

    @never_ending
    def test_a_rejected_second_submit_request_keeps_the_record_of_the_first(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(IMAGE.submit, "cut_after")
        run = TaskRun(IMAGE.task(on_uncertain="fail"))
        with pytest.raises(ImsUncertainSubmitError):
            run.attempt()
        run.task.on_uncertain = "submit"
        ims_emulator.fault(IMAGE.submit, "deny")
        with pytest.raises(ImsPermissionError):
            run.attempt()
        ims_emulator.advance(60)
        assert run.attempt()["state"] == "success"
        assert len(ims_emulator.jobs()) == 1

    def test_a_token_that_the_service_knows_with_other_parameters_leads_to_a_search(
        self, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = TaskRun(BATCH.task(template_config=["first try"]))
        Kill(monkeypatch).around(Store, "set", before=True, when=records_a_job_id)
        with pytest.raises(KilledError):
            run.attempt()
        run.task.template_config = ["second try"]
        ims_emulator.fault(
            "ListBatchMediaProducingJobs", "odd_shape", count=2, body={"EditingBatchJobList": [], "MaxResults": 100}
        )
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 1

    def test_a_denied_listing_does_not_prove_that_there_is_no_job(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "cut_after")
        ims_emulator.fault("ListSmartJobs", "deny", count=None)
        run = TaskRun(TEXT.task())
        for _ in range(2):
            with pytest.raises(ImsPermissionError, match="ice:ListSmartJobs"):
                run.attempt()
        assert len(ims_emulator.requests(TEXT.submit)) == 1


class TestRetry:
    @every_mode
    @never_ending
    def test_a_retry_joins_a_running_job(self, mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task(timeout=0.05, **mode))
        with pytest.raises(ImsJobTimeoutError):
            run.attempt()
        ims_emulator.advance(3600)
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 1

    @every_kind
    @every_mode
    def test_a_retry_collects_the_result_of_an_ended_job(
        self, case: Case, mode: dict[str, Any], ims_emulator: ImsEmulator
    ) -> None:
        run = TaskRun(case.task(**mode))
        assert run.attempt() == run.attempt()
        assert len(ims_emulator.jobs()) == 1

    @every_kind
    def test_after_a_failed_job_exactly_one_more_job_is_submitted(self, case: Case, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(case.submit, "fail_job")
        run = TaskRun(case.task())
        with pytest.raises(ImsJobFailedError):
            run.attempt()
        assert run.attempt()["state"] == case.ended
        assert run.attempt()["state"] == case.ended
        assert len(ims_emulator.jobs()) == 2
        keys = [key_in(job["parameters"]["UserData"]) for job in ims_emulator.jobs()]
        assert [key.number for key in keys if key] == [0, 1]

    def test_a_partly_failed_batch_is_submitted_again_if_it_counts_as_failed(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(BATCH.submit, "fail_job", videos=1)
        run = TaskRun(BATCH.task(fail_on_partial_failure=True))
        with pytest.raises(ImsJobFailedError):
            run.attempt()
        assert run.attempt()["failed"] == []
        assert len(ims_emulator.jobs()) == 2

    @text_jobs_listed
    def test_after_a_search_found_a_failed_job_one_more_job_is_submitted(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "fail_job")
        ims_emulator.fault(TEXT.submit, "cut_after")
        assert run_task(TEXT.task())["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 2

    def test_no_search_follows_a_rejected_submit_request(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "deny")
        run = TaskRun(TEXT.task(on_uncertain="fail"))
        with pytest.raises(ImsPermissionError):
            run.attempt()
        assert run.attempt()["state"] == "Finished"
        assert ims_emulator.requests("ListSmartJobs") == []

    def test_a_retry_waits_for_a_job_that_the_service_does_not_know_yet(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(IMAGE.task())
        run.attempt()
        ims_emulator.fault(IMAGE.query, "odd_shape", count=1, body={"AIImageJobList": []})
        assert run.attempt()["state"] == "success"
        assert len(ims_emulator.jobs()) == 1

    @pytest.mark.parametrize("policy", ["submit", "fail"])
    @pytest.mark.parametrize("code", ["ResourceNotFound", "InvalidRegionId.NotFound"])
    def test_a_job_that_the_service_does_not_know_is_not_submitted_again(
        self, policy: str, code: str, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = TaskRun(TEXT.task(on_uncertain=policy))
        first = run.attempt()
        monkeypatch.setattr("airflow_provider_ims._waiting.monitor.UNKNOWN_GRACE", 0.1)
        ims_emulator.fault(TEXT.query, "error", count=None, code=code, status=404)
        with pytest.raises((ImsJobNotFoundError, ImsRequestError)):
            run.attempt()
        ims_emulator.clear_faults()
        assert run.attempt() == first
        assert len(ims_emulator.jobs()) == 1

    def test_a_change_of_retries_is_not_a_clear(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task())
        first = run.attempt()
        max_tries = run.retries
        run.retries += 2
        run.clears = max_tries - run.retries
        assert run.attempt() == first
        assert len(ims_emulator.jobs()) == 1

    def test_changed_parameters_are_logged(self, ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
        run = TaskRun(TEXT.task(title="Monday"))
        first = run.attempt()
        assert not any("parameters have changed" in line for line in task_log.lines("warning"))
        run.task.title = "Tuesday"
        assert run.attempt() == first
        assert any("parameters have changed" in line for line in task_log.lines("warning"))

    @pytest.mark.parametrize(
        "uri", [None, "alibabacloud-ims://id:secret@", "alibabacloud-ims://id:secret@/?ca=%2Fnone"]
    )
    def test_no_search_follows_an_incomplete_connection(
        self, uri: str | None, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        good = ims_emulator.connection_uri
        run = TaskRun(TEXT.task(on_uncertain="fail"))
        if uri is None:
            monkeypatch.delenv("AIRFLOW_CONN_IMS_DEFAULT")
        else:
            monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", uri)
        with pytest.raises(Exception, match=r"ims_default|region|/none"):
            run.attempt()
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", good)
        assert run.attempt()["state"] == "Finished"
        assert ims_emulator.requests("ListSmartJobs") == []


class TestClear:
    @every_kind
    def test_after_the_result_was_collected_exactly_one_more_job_is_submitted(
        self, case: Case, ims_emulator: ImsEmulator, task_log: TaskLog
    ) -> None:
        run = TaskRun(case.task())
        first = run.attempt()
        run.clear()
        second = run.attempt()
        assert second["job_id"] != first["job_id"]
        assert run.attempt() == second
        assert len(ims_emulator.jobs()) == 2
        assert f"the result of job {first['job_id']} was already collected" in "".join(task_log.lines("info"))

    @every_kind
    @every_mode
    @pytest.mark.parametrize("point", ["before the response", "after the record", "in the resume phase"])
    @text_jobs_listed
    def test_a_job_whose_result_was_never_collected_is_joined(
        self, case: Case, mode: dict[str, Any], point: str, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        if point == "in the resume phase" and not mode["deferrable"]:
            monkeypatch.setattr(operators, "wait_for_job", killed)
        else:
            POINTS[point](Kill(monkeypatch))
        run = TaskRun(case.task(**mode))
        with pytest.raises(KilledError):
            run.attempt()
        monkeypatch.undo()
        monkeypatch.setattr(operators, "Submitter", partial(Submitter, sleep=lambda _: None))
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", ims_emulator.connection_uri)
        run.clear()
        assert run.attempt()["state"] == case.ended
        assert len(ims_emulator.jobs()) == 1

    def test_a_job_whose_wait_failed_is_joined(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task(deferrable=True))
        ims_emulator.fault(TEXT.query, "deny", count=None)
        with pytest.raises(ImsPermissionError):
            run.attempt()
        ims_emulator.clear_faults()
        run.clear()
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 1

    def test_after_a_failed_job_exactly_one_more_job_is_submitted(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "fail_job")
        run = TaskRun(TEXT.task())
        with pytest.raises(ImsJobFailedError):
            run.attempt()
        run.clear()
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 2

    def test_with_other_parameters_exactly_one_more_job_is_submitted(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator, task_log: TaskLog
    ) -> None:
        run = killed_after_the_record(monkeypatch)
        run.task = TEXT.task(type="Title")
        run.clear()
        run.attempt()
        assert len(ims_emulator.jobs()) == 2
        assert "was submitted with different parameters" in "".join(task_log.lines("info"))

    def test_on_clear_new_submits_exactly_one_more_job(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        run = killed_after_the_record(monkeypatch, on_clear="new")
        run.clear()
        run.attempt()
        assert len(ims_emulator.jobs()) == 2

    def test_on_clear_rejoin_joins_a_collected_job_even_with_other_parameters(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task(on_clear="rejoin"))
        first = run.attempt()
        run.task = TEXT.task(on_clear="rejoin", type="Title")
        run.clear()
        assert run.attempt() == first
        assert len(ims_emulator.jobs()) == 1

    def test_on_clear_rejoin_submits_after_a_failed_job(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "fail_job")
        run = TaskRun(TEXT.task(on_clear="rejoin"))
        with pytest.raises(ImsJobFailedError):
            run.attempt()
        run.clear()
        assert run.attempt()["state"] == "Finished"

    @never_ending
    def test_the_log_warns_of_a_job_that_continues_to_run(self, ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
        run = TaskRun(TEXT.task(wait_for_completion=False))
        before = run.attempt()["job_id"]
        run.clear()
        run.attempt()
        message = f"Job {before}, submitted before the clear, is still Created"
        assert any(message in line for line in task_log.lines("warning"))

    def test_a_new_job_is_submitted_if_the_lost_job_is_not_found_and_the_log_contains_its_key(
        self, ims_emulator: ImsEmulator, task_log: TaskLog
    ) -> None:
        ims_emulator.fault(TEXT.submit, "cut_after")
        run = TaskRun(TEXT.task(on_uncertain="fail"))
        with pytest.raises(ImsUncertainSubmitError) as caught:
            run.attempt()
        (lost,) = ims_emulator.jobs()
        run.clear()
        new_id = run.attempt()["job_id"]
        assert [job["job_id"] for job in ims_emulator.jobs()] == [lost["job_id"], new_id]
        assert any(str(caught.value.key) in line for line in task_log.lines("warning"))

    @pytest.mark.parametrize("arguments", [{"client_token": "order-66"}, {"user_data": {"own": "x" * 480}}])
    def test_a_response_without_a_job_id_is_followed_by_a_submit_request_that_returns_the_job(
        self, arguments: dict[str, Any], ims_emulator: ImsEmulator
    ) -> None:
        ims_emulator.fault(BATCH.submit, "odd_shape", drop=["JobId"])
        assert TaskRun(BATCH.task(**arguments)).attempt()["state"] == "Finished"
        assert len(ims_emulator.requests(BATCH.submit)) == 2
        assert len(ims_emulator.jobs()) == 1

    @pytest.mark.parametrize("arguments", [{"client_token": "order-66"}, {"user_data": {"own": "x" * 480}}])
    def test_a_clear_returns_the_job_whose_id_was_in_no_response(
        self, arguments: dict[str, Any], ims_emulator: ImsEmulator
    ) -> None:
        ims_emulator.fault(BATCH.submit, "odd_shape", drop=["JobId"], count=MAX_SUBMITS)
        run = TaskRun(BATCH.task(**arguments))
        with pytest.raises(ImsUncertainSubmitError, match="same ClientToken"):
            run.attempt()
        run.clear()
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 1

    def test_a_new_job_is_submitted_if_the_service_does_not_know_the_earlier_job(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        run = killed_after_the_record(monkeypatch)
        ims_emulator.reset()
        run.clear()
        assert run.attempt()["state"] == "Finished"

    def test_a_job_that_cannot_be_queried_is_joined(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        run = killed_after_the_record(monkeypatch)
        run.clear()
        ims_emulator.fault(TEXT.query, "deny")
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 1

    def test_a_retry_after_the_clear_joins_the_same_job(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        run = killed_after_the_record(monkeypatch)
        run.clear()
        first = run.attempt()
        assert run.attempt() == first
        assert len(ims_emulator.jobs()) == 1


def killed(*_: Any, **__: Any) -> None:
    raise KilledError


def killed_after_the_record(monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> TaskRun:
    POINTS["after the record"](Kill(monkeypatch))
    run = TaskRun(TEXT.task(**arguments))
    with pytest.raises(KilledError):
        run.attempt()
    return run


def keys_of(ims_emulator: ImsEmulator, case: Case) -> list[str]:
    return [str(key_in(request["parameters"]["UserData"])) for request in ims_emulator.requests(case.submit)]


class TestKey:
    def test_mapped_task_instances_and_dag_runs_have_separate_jobs(self, ims_emulator: ImsEmulator) -> None:
        task = BATCH.task()
        for store in (Store(), None):
            for map_index, run_id in ((0, "monday"), (1, "monday"), (0, "tuesday")):
                task_run = TaskRun(task, store=store and Store())
                task_run.map_index, task_run.run_id = map_index, run_id
                task_run.attempt()
        assert len(ims_emulator.jobs()) == 6
        assert len(set(keys_of(ims_emulator, BATCH))) == 6

    def test_two_airflow_installations_with_the_same_names_have_separate_jobs(self, ims_emulator: ImsEmulator) -> None:
        for _ in range(2):
            run_task(BATCH.task())
        assert len(ims_emulator.jobs()) == 2

    def test_the_marker_is_the_client_token_if_the_api_has_one(self, ims_emulator: ImsEmulator) -> None:
        run_task(BATCH.task())
        (request,) = ims_emulator.requests(BATCH.submit)
        assert [request["parameters"]["ClientToken"]] == keys_of(ims_emulator, BATCH)

    def test_the_users_own_client_token_is_sent_unchanged_and_without_a_marker(self, ims_emulator: ImsEmulator) -> None:
        first = run_task(BATCH.task(client_token="order-66", user_data={"a": 1}))
        ims_emulator.fault(BATCH.submit, "cut_after")
        assert run_task(BATCH.task(client_token="order-66", user_data={"a": 1})) == first
        assert len(ims_emulator.jobs()) == 1
        assert {request["parameters"]["UserData"] for request in ims_emulator.requests(BATCH.submit)} == {'{"a":1}'}

    def test_a_retry_sends_the_first_client_token_even_if_another_is_rendered(
        self, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = TaskRun(BATCH.task(client_token="try-1"))
        Kill(monkeypatch).around(Store, "set", before=True, when=records_a_job_id)
        with pytest.raises(KilledError):
            run.attempt()
        run.task.client_token = "try-2"
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 1

    def test_a_client_token_can_be_changed_after_a_rejected_submit_request(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(BATCH.submit, "deny")
        run = TaskRun(BATCH.task(client_token="first"))
        with pytest.raises(ImsPermissionError):
            run.attempt()
        run.task.client_token = "second"
        run.attempt()
        sent = [request["parameters"]["ClientToken"] for request in ims_emulator.requests(BATCH.submit)]
        assert sent == ["first", "second"]

    @every_kind
    def test_the_marker_keeps_the_users_own_fields(self, case: Case, ims_emulator: ImsEmulator) -> None:
        own = {"NotifyAddress": "https://xx.xx.xxx", "Extend": {"localId": "蛋糕", "n": [1, 2.5, None]}}
        run_task(case.task(user_data=own))
        (request,) = ims_emulator.requests(case.submit)
        arrived = json.loads(request["parameters"]["UserData"])
        marked = arrived["Extend"] if case is IMAGE else arrived
        assert marked.pop(MARKER)
        assert arrived == own

    def test_a_job_without_room_for_the_marker_is_submitted(self, ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
        own = json.dumps({"x": "y" * 490})
        run_task(TEXT.task(user_data=own))
        (request,) = ims_emulator.requests(TEXT.submit)
        assert request["parameters"]["UserData"] == own
        assert any("too long or malformed with the marker" in line for line in task_log.lines())

    def test_no_search_follows_a_submit_request_without_a_marker(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "cut")
        run_task(TEXT.task(user_data={"x": "y" * 490}))
        assert ims_emulator.requests("ListSmartJobs") == []
        assert len(ims_emulator.jobs()) == 1


class TestStore:
    def test_nothing_is_submitted_if_the_record_cannot_be_written(self, ims_emulator: ImsEmulator) -> None:
        class Broken(Store):
            def set(self, key: str, value: Any) -> None:
                raise RuntimeError("the API server is gone")

        with pytest.raises(RuntimeError):
            TaskRun(TEXT.task(), store=Broken()).attempt()
        assert ims_emulator.requests() == []

    @text_jobs_listed
    def test_a_job_id_that_cannot_be_recorded_neither_fails_the_task_nor_leads_to_a_second_job(
        self, ims_emulator: ImsEmulator, task_log: TaskLog
    ) -> None:
        class Forgetful(Store):
            def set(self, key: str, value: Any) -> None:
                if value["job_id"]:
                    raise RuntimeError("the API server is gone")
                super().set(key, value)

        run = TaskRun(TEXT.task(), store=Forgetful())
        first = run.attempt()
        assert any(first["job_id"] in line for line in task_log.lines("warning"))
        assert run.attempt() == first
        assert len(ims_emulator.jobs()) == 1

    @pytest.mark.parametrize("record", [None, "x", 7, {}, {"job_id": 7}, {"action": "Other"}])
    def test_a_record_in_another_format_is_ignored(self, record: Any, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task(), store=Store({STORE_KEY: record}))
        assert run.attempt()["state"] == "Finished"

    def test_the_record_of_another_job_kind_is_ignored(self, ims_emulator: ImsEmulator) -> None:
        store = Store()
        TaskRun(BATCH.task(), store=store).attempt()
        assert TaskRun(TEXT.task(), store=store).attempt()["state"] == "Finished"

    def test_a_task_that_is_not_durable_submits_in_each_try_without_a_record_or_a_marker(
        self, ims_emulator: ImsEmulator
    ) -> None:
        run = TaskRun(TEXT.task(durable=False))
        run.attempt()
        run.attempt()
        assert len(ims_emulator.jobs()) == 2
        assert run.store == {}
        assert all("UserData" not in job["parameters"] for job in ims_emulator.jobs())


class TestWithoutAStore:
    """Airflow before 3.3, which has no task state store."""

    @every_kind
    @text_jobs_listed
    def test_a_retry_searches_for_the_marker(self, case: Case, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(case.task(), store=None)
        first = run.attempt()
        assert run.attempt() == first
        assert len(ims_emulator.jobs()) == 1

    @text_jobs_listed
    def test_after_a_failed_job_a_retry_submits_exactly_one_more_job(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "fail_job")
        run = TaskRun(TEXT.task(), store=None)
        with pytest.raises(ImsJobFailedError):
            run.attempt()
        second = run.attempt()
        assert run.attempt() == second
        assert len(ims_emulator.jobs()) == 2

    @text_jobs_listed
    def test_a_clear_submits_exactly_one_more_job(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task(), store=None)
        run.attempt()
        run.clear()
        run.attempt()
        assert len(ims_emulator.jobs()) == 2

    def test_a_first_try_does_not_search(self, ims_emulator: ImsEmulator) -> None:
        TaskRun(TEXT.task(), store=None).attempt()
        assert ims_emulator.requests("ListSmartJobs") == []

    @text_jobs_listed
    def test_the_search_starts_1000_seconds_before_the_dag_run(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(BATCH.task(), store=None)
        run.dag_run_start = datetime(2026, 1, 1, 6, tzinfo=UTC)
        run.attempt()
        run.attempt()
        (request,) = ims_emulator.requests("ListBatchMediaProducingJobs")
        assert request["parameters"]["StartTime"] == "2026-01-01T05:43:20Z"


@pytest.mark.parametrize("status", [413, 414, 431])
def test_no_search_and_no_second_submit_request_follow_a_request_that_is_too_large(
    status: int, ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault(TEXT.submit, "non_json", status=status)
    with pytest.raises(ImsRequestError, match="too large"):
        run_task(TEXT.task())
    assert [request["action"] for request in ims_emulator.requests()] == [TEXT.submit]


@pytest.mark.parametrize("how", ["retry", "clear"])
def test_the_log_explains_that_the_users_client_token_returns_the_failed_job_again(
    how: str, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    ims_emulator.fault(BATCH.submit, "fail_job", videos=1)
    run = TaskRun(BATCH.task(client_token="order-66", fail_on_partial_failure=True))
    for _ in range(2):
        with pytest.raises(ImsJobFailedError, match="1 of 2 videos"):
            run.attempt()
        if how == "clear":
            run.clear()
    (job,) = ims_emulator.jobs()
    expected = f"ClientToken is the same as for job {job['job_id']}, so the service will return that job again"
    assert [line.startswith(expected) for line in task_log.lines("warning")].count(True) == 1
    # The warning recommends this change.
    run.task.client_token = "order-66-3"
    assert run.attempt()["failed"] == []
    assert [line.startswith(expected) for line in task_log.lines("warning")].count(True) == 1


def test_the_log_of_a_retry_without_a_store_explains_that_a_client_token_may_return_a_failed_job(
    ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    ims_emulator.fault(BATCH.submit, "fail_job", videos=1)
    run = TaskRun(BATCH.task(client_token="order-66", fail_on_partial_failure=True), store=None)
    for _ in range(2):
        with pytest.raises(ImsJobFailedError, match="1 of 2 videos"):
            run.attempt()
    expected = "Submitting again with the same ClientToken: the service returns the job if it exists, even if it failed"
    assert any(line.endswith(expected) for line in task_log.lines())


def test_pauses_grow_and_add_up_to_the_search_time() -> None:
    assert list(pauses(30)) == [1, 2, 4, 8, 15]
    assert sum(pauses(300)) == 300
    assert list(pauses(0)) == []


def test_changed_parameters_with_a_known_client_token_are_rejected(ims_emulator: ImsEmulator) -> None:
    run_task(BATCH.task(client_token="order-66"))
    with pytest.raises(ImsRequestError) as caught:
        run_task(BATCH.task(client_token="order-66", template_config=["other"]))
    assert caught.value.code == "IdempotentParameterMismatch"
