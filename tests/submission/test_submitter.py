from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from support.cases import AUDIO, BATCH, CASES, IMAGE, TEXT, Case
from support.running import Store, TaskLog, TaskRun, run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import (
    ImsJobFailedError,
    ImsJobNotFoundError,
    ImsJobTimeoutError,
    ImsPermissionError,
    ImsRequestError,
    ImsUncertainSubmitError,
)
from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook
from airflow_provider_ims.jobs.marker import MARKER, key_in
from airflow_provider_ims.operators import base as operators
from airflow_provider_ims.submission import Submitter
from airflow_provider_ims.submission.record import STORE_KEY
from airflow_provider_ims.submission.submitter import MAX_SUBMITS, _pauses
from airflow_provider_ims.tasks import JobTask

MODES = {"deferrable": {"deferrable": True}, "synchronous": {"deferrable": False}}
every_kind = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
every_mode = pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
#: Text jobs are found by their marker only where the service lists them, which is not documented.
text_jobs_listed = pytest.mark.ims_emulator(list_text_jobs=True, durations={case.submit: 0 for case in CASES.values()})
never_ending = pytest.mark.ims_emulator(
    list_text_jobs=True, clock="manual", durations={case.submit: 60 for case in CASES.values()}
)


class KilledError(BaseException):
    """The task's process ends here, with no chance to say anything."""


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let no submitter sleep, and tell how long each would have."""
    pauses: list[float] = []
    monkeypatch.setattr(operators, "Submitter", partial(Submitter, sleep=pauses.append))
    return pauses


@dataclass
class Kill:
    """Kills the task's process at a point, once."""

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


def notes_an_id(store: Any, key: str, value: Any) -> bool:
    return value["job_id"] is not None


POINTS: dict[str, Callable[[Kill], None]] = {
    "before the request": lambda kill: kill.around(AlibabaCloudMediaHook, "_send", before=True, when=submits),
    "before the answer": lambda kill: kill.around(AlibabaCloudMediaHook, "_send", before=False, when=submits),
    "before the note": lambda kill: kill.around(Store, "set", before=True, when=notes_an_id),
    "after the note": lambda kill: kill.around(Store, "set", before=False, when=notes_an_id),
    "in the resume phase": lambda kill: kill.around(JobTask, "ended_jobs", before=True),
}


@every_kind
@every_mode
@pytest.mark.parametrize("point", POINTS)
@text_jobs_listed
def test_a_task_killed_anywhere_pays_for_one_job(
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
def test_a_lost_answer_is_followed_by_a_look_and_one_job_is_paid_for(
    case: Case, lost: str, ims_emulator: ImsEmulator
) -> None:
    kind, options = LOST[lost]
    ims_emulator.fault(case.submit, kind, **options)
    assert run_task(case.task())["state"] == case.ended
    assert len(ims_emulator.jobs()) == 1


@every_kind
@text_jobs_listed
def test_a_lagging_listing_is_waited_for(
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
        # Its ClientToken makes waiting needless: the second submit is answered with the first job.
        assert slept == []
        assert len(ims_emulator.requests(case.submit)) == 2
    else:
        assert slept == [1.0, 2.0]
        assert len(ims_emulator.requests(case.submit)) == 1


class TestNotFound:
    """What cannot be found: a text job where the service does not list them, an AI image job that still runs."""

    def test_the_default_submits_again_after_enough_looks_and_says_what_that_may_cost(
        self, ims_emulator: ImsEmulator, slept: list[float], task_log: TaskLog
    ) -> None:
        ims_emulator.fault(TEXT.submit, "cut_after")
        assert run_task(TEXT.task())["state"] == "Finished"
        assert sum(slept) == TEXT.operator.kind.family.search_lag
        assert len(ims_emulator.jobs()) == 2
        assert any("there are two jobs now" in line for line in task_log.lines("warning"))

    def test_both_submits_carry_the_same_key(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "cut")
        run_task(TEXT.task())
        lost, repeated = ims_emulator.requests(TEXT.submit)
        assert lost["parameters"] == repeated["parameters"]

    def test_fail_leaves_it_to_a_person_and_names_what_to_look_for(self, ims_emulator: ImsEmulator) -> None:
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
    def test_an_ai_image_job_is_found_once_it_has_drawn(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(IMAGE.submit, "cut_after")
        run = TaskRun(IMAGE.task(on_uncertain="fail"))
        with pytest.raises(ImsUncertainSubmitError):
            run.attempt()
        ims_emulator.advance(60)
        assert run.attempt()["state"] == "success"
        assert len(ims_emulator.jobs()) == 1

    def test_fail_submits_again_where_the_search_proves_that_no_job_was_accepted(
        self, ims_emulator: ImsEmulator
    ) -> None:
        ims_emulator.fault(AUDIO.submit, "server_error")
        run_task(AUDIO.task(on_uncertain="fail", wait_for_completion=False))
        assert len(ims_emulator.requests(AUDIO.submit)) == 2

    def test_a_service_that_never_answers_is_given_up(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(AUDIO.submit, "server_error", count=None)
        with pytest.raises(ImsUncertainSubmitError, match=f"{MAX_SUBMITS} submits"):
            run_task(AUDIO.task())
        assert len(ims_emulator.requests(AUDIO.submit)) == MAX_SUBMITS

    def test_however_many_answers_are_lost_in_however_many_tries_two_jobs_are_the_most(
        self, ims_emulator: ImsEmulator
    ) -> None:
        ims_emulator.fault(TEXT.submit, "cut_after", count=None)
        run = TaskRun(TEXT.task())
        for _ in range(4):
            with pytest.raises(ImsUncertainSubmitError, match="2 submits got no answer"):
                run.attempt()
        assert len(ims_emulator.jobs()) == 2

    def test_an_answer_that_accepts_without_an_id_is_never_followed_by_another_submit(
        self, ims_emulator: ImsEmulator
    ) -> None:
        ims_emulator.fault(TEXT.submit, "odd_shape", count=None, drop=["JobId"], merge={"Data": {"JobId": "x"}})
        run = TaskRun(TEXT.task())
        for _ in range(2):
            with pytest.raises(ImsUncertainSubmitError, match="accepted it"):
                run.attempt()
        assert len(ims_emulator.jobs()) == 1

    @never_ending
    def test_a_repeat_that_is_refused_does_not_make_the_submit_before_it_forgotten(
        self, ims_emulator: ImsEmulator
    ) -> None:
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

    def test_a_batch_whose_token_is_known_with_other_parameters_is_looked_for(
        self, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = TaskRun(BATCH.task(template_config=["first try"]))
        Kill(monkeypatch).around(Store, "set", before=True, when=notes_an_id)
        with pytest.raises(KilledError):
            run.attempt()
        run.task.template_config = ["second try"]
        ims_emulator.fault(
            "ListBatchMediaProducingJobs", "odd_shape", count=2, body={"EditingBatchJobList": [], "MaxResults": 100}
        )
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 1

    def test_a_listing_that_may_not_be_read_is_no_proof_that_there_is_no_job(self, ims_emulator: ImsEmulator) -> None:
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
    def test_it_joins_the_job_that_still_runs(self, mode: dict[str, Any], ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task(timeout=0.05, **mode))
        with pytest.raises(ImsJobTimeoutError):
            run.attempt()
        ims_emulator.advance(3600)
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 1

    @every_kind
    @every_mode
    def test_it_collects_the_job_that_has_ended(
        self, case: Case, mode: dict[str, Any], ims_emulator: ImsEmulator
    ) -> None:
        run = TaskRun(case.task(**mode))
        assert run.attempt() == run.attempt()
        assert len(ims_emulator.jobs()) == 1

    @every_kind
    def test_after_a_failed_job_it_submits_exactly_one_more(self, case: Case, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(case.submit, "fail_job")
        run = TaskRun(case.task())
        with pytest.raises(ImsJobFailedError):
            run.attempt()
        assert run.attempt()["state"] == case.ended
        assert run.attempt()["state"] == case.ended
        assert len(ims_emulator.jobs()) == 2
        keys = [key_in(job["parameters"]["UserData"]) for job in ims_emulator.jobs()]
        assert [key.number for key in keys if key] == [0, 1]

    def test_videos_that_failed_are_made_anew_only_where_that_counts_as_failure(
        self, ims_emulator: ImsEmulator
    ) -> None:
        ims_emulator.fault(BATCH.submit, "fail_job", videos=1)
        run = TaskRun(BATCH.task(fail_on_partial_failure=True))
        with pytest.raises(ImsJobFailedError):
            run.attempt()
        assert run.attempt()["failed"] == []
        assert len(ims_emulator.jobs()) == 2

    @text_jobs_listed
    def test_a_lost_job_that_failed_meanwhile_is_followed_by_one_more(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "fail_job")
        ims_emulator.fault(TEXT.submit, "cut_after")
        assert run_task(TEXT.task())["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 2

    def test_a_refused_submit_leaves_nothing_to_look_for(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "deny")
        run = TaskRun(TEXT.task(on_uncertain="fail"))
        with pytest.raises(ImsPermissionError):
            run.attempt()
        assert run.attempt()["state"] == "Finished"
        assert ims_emulator.requests("ListSmartJobs") == []

    def test_a_job_that_is_not_known_yet_is_waited_for(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(IMAGE.task())
        run.attempt()
        ims_emulator.fault(IMAGE.query, "odd_shape", count=1, body={"AIImageJobList": []})
        assert run.attempt()["state"] == "success"
        assert len(ims_emulator.jobs()) == 1

    @pytest.mark.parametrize("policy", ["submit", "fail"])
    @pytest.mark.parametrize("code", ["ResourceNotFound", "InvalidRegionId.NotFound"])
    def test_a_job_that_the_service_denies_to_know_is_not_paid_for_again(
        self, policy: str, code: str, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = TaskRun(TEXT.task(on_uncertain=policy))
        first = run.attempt()
        monkeypatch.setattr("airflow_provider_ims.waiting.monitor.UNKNOWN_GRACE", 0.1)
        ims_emulator.fault(TEXT.query, "error", count=None, code=code, status=404)
        with pytest.raises((ImsJobNotFoundError, ImsRequestError)):
            run.attempt()
        ims_emulator.clear_faults()
        assert run.attempt() == first
        assert len(ims_emulator.jobs()) == 1

    def test_a_change_of_the_number_of_retries_is_no_clear(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task())
        first = run.attempt()
        max_tries = run.retries
        run.retries += 2
        run.clears = max_tries - run.retries
        assert run.attempt() == first
        assert len(ims_emulator.jobs()) == 1

    def test_other_parameters_than_the_job_has_are_told(self, ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
        run = TaskRun(TEXT.task(title="Monday"))
        first = run.attempt()
        assert not any("other parameters" in line for line in task_log.lines("warning"))
        run.task.title = "Tuesday"
        assert run.attempt() == first
        assert any("other parameters" in line for line in task_log.lines("warning"))

    @pytest.mark.parametrize(
        "uri", [None, "alibabacloud-ims://id:secret@", "alibabacloud-ims://id:secret@/?ca=%2Fnone"]
    )
    def test_a_connection_that_is_not_complete_leaves_nothing_to_look_for(
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
    def test_after_the_result_was_collected_it_submits_exactly_one_more(
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
    @pytest.mark.parametrize("point", ["before the answer", "after the note", "in the resume phase"])
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

    def test_the_job_of_a_wait_that_failed_is_joined(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task(deferrable=True))
        ims_emulator.fault(TEXT.query, "deny", count=None)
        with pytest.raises(ImsPermissionError):
            run.attempt()
        ims_emulator.clear_faults()
        run.clear()
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 1

    def test_after_a_failed_job_it_submits_exactly_one_more(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "fail_job")
        run = TaskRun(TEXT.task())
        with pytest.raises(ImsJobFailedError):
            run.attempt()
        run.clear()
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 2

    def test_with_other_parameters_it_submits_exactly_one_more(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator, task_log: TaskLog
    ) -> None:
        run = killed_after_the_note(monkeypatch)
        run.task = TEXT.task(type="Title")
        run.clear()
        run.attempt()
        assert len(ims_emulator.jobs()) == 2
        assert "was submitted with other parameters" in "".join(task_log.lines("info"))

    def test_on_clear_new_submits_exactly_one_more(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        run = killed_after_the_note(monkeypatch, on_clear="new")
        run.clear()
        run.attempt()
        assert len(ims_emulator.jobs()) == 2

    def test_on_clear_rejoin_joins_a_collected_job_and_one_with_other_parameters(
        self, ims_emulator: ImsEmulator
    ) -> None:
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
    def test_it_names_the_job_that_still_runs(self, ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
        run = TaskRun(TEXT.task(wait_for_completion=False))
        before = run.attempt()["job_id"]
        run.clear()
        run.attempt()
        assert any(f"Job {before} from before the clear is still Created" in line for line in task_log.lines("warning"))

    def test_a_submit_whose_job_is_not_found_is_named_and_a_new_job_is_submitted(
        self, ims_emulator: ImsEmulator, task_log: TaskLog
    ) -> None:
        ims_emulator.fault(TEXT.submit, "cut_after")
        run = TaskRun(TEXT.task(on_uncertain="fail"))
        with pytest.raises(ImsUncertainSubmitError) as caught:
            run.attempt()
        run.clear()
        run.attempt()
        assert any(str(caught.value.key) in line for line in task_log.lines("warning"))

    def test_a_job_that_the_service_does_not_know_is_submitted_anew(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        run = killed_after_the_note(monkeypatch)
        ims_emulator.reset()
        run.clear()
        assert run.attempt()["state"] == "Finished"

    def test_a_job_whose_state_cannot_be_read_is_joined(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        run = killed_after_the_note(monkeypatch)
        run.clear()
        ims_emulator.fault(TEXT.query, "deny")
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 1

    def test_a_retry_after_the_clear_joins_the_job_that_the_clear_has_joined(
        self, monkeypatch: pytest.MonkeyPatch, ims_emulator: ImsEmulator
    ) -> None:
        run = killed_after_the_note(monkeypatch)
        run.clear()
        first = run.attempt()
        assert run.attempt() == first
        assert len(ims_emulator.jobs()) == 1


def killed(*_: Any, **__: Any) -> None:
    raise KilledError


def killed_after_the_note(monkeypatch: pytest.MonkeyPatch, **arguments: Any) -> TaskRun:
    POINTS["after the note"](Kill(monkeypatch))
    run = TaskRun(TEXT.task(**arguments))
    with pytest.raises(KilledError):
        run.attempt()
    return run


def keys_of(ims_emulator: ImsEmulator, case: Case) -> list[str]:
    return [str(key_in(request["parameters"]["UserData"])) for request in ims_emulator.requests(case.submit)]


class TestKey:
    def test_two_mapped_instances_and_two_runs_have_jobs_of_their_own(self, ims_emulator: ImsEmulator) -> None:
        task = BATCH.task()
        for store in (Store(), None):
            for map_index, run_id in ((0, "monday"), (1, "monday"), (0, "tuesday")):
                task_run = TaskRun(task, store=store and Store())
                task_run.map_index, task_run.run_id = map_index, run_id
                task_run.attempt()
        assert len(ims_emulator.jobs()) == 6
        assert len(set(keys_of(ims_emulator, BATCH))) == 6

    def test_two_airflows_with_the_same_names_have_jobs_of_their_own(self, ims_emulator: ImsEmulator) -> None:
        for _ in range(2):
            run_task(BATCH.task())
        assert len(ims_emulator.jobs()) == 2

    def test_it_is_the_client_token_where_the_api_has_one(self, ims_emulator: ImsEmulator) -> None:
        run_task(BATCH.task())
        (request,) = ims_emulator.requests(BATCH.submit)
        assert [request["parameters"]["ClientToken"]] == keys_of(ims_emulator, BATCH)

    def test_the_users_own_client_token_is_left_alone(self, ims_emulator: ImsEmulator) -> None:
        first = run_task(BATCH.task(client_token="order-66", user_data={"a": 1}))
        ims_emulator.fault(BATCH.submit, "cut_after")
        assert run_task(BATCH.task(client_token="order-66", user_data={"a": 1})) == first
        assert len(ims_emulator.jobs()) == 1
        assert {request["parameters"]["UserData"] for request in ims_emulator.requests(BATCH.submit)} == {'{"a":1}'}

    def test_a_token_of_the_users_that_renders_anew_in_each_try_stays_the_first(
        self, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = TaskRun(BATCH.task(client_token="try-1"))
        Kill(monkeypatch).around(Store, "set", before=True, when=notes_an_id)
        with pytest.raises(KilledError):
            run.attempt()
        run.task.client_token = "try-2"
        assert run.attempt()["state"] == "Finished"
        assert len(ims_emulator.jobs()) == 1

    @every_kind
    def test_the_users_data_arrives_unchanged_but_for_the_marker(self, case: Case, ims_emulator: ImsEmulator) -> None:
        own = {"NotifyAddress": "https://xx.xx.xxx", "Extend": {"localId": "蛋糕", "n": [1, 2.5, None]}}
        run_task(case.task(user_data=own))
        (request,) = ims_emulator.requests(case.submit)
        arrived = json.loads(request["parameters"]["UserData"])
        marked = arrived["Extend"] if case is IMAGE else arrived
        assert marked.pop(MARKER)
        assert arrived == own

    def test_without_room_for_the_marker_the_job_is_submitted_all_the_same(
        self, ims_emulator: ImsEmulator, task_log: TaskLog
    ) -> None:
        own = json.dumps({"x": "y" * 490})
        run_task(TEXT.task(user_data=own))
        (request,) = ims_emulator.requests(TEXT.submit)
        assert request["parameters"]["UserData"] == own
        assert any("no room for the marker" in line for line in task_log.lines())

    def test_without_a_marker_nothing_is_looked_for(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "cut")
        run_task(TEXT.task(user_data={"x": "y" * 490}))
        assert ims_emulator.requests("ListSmartJobs") == []
        assert len(ims_emulator.jobs()) == 1


class TestStore:
    def test_an_intent_that_cannot_be_noted_keeps_the_job_from_being_submitted(self, ims_emulator: ImsEmulator) -> None:
        class Broken(Store):
            def set(self, key: str, value: Any) -> None:
                raise RuntimeError("the API server is gone")

        with pytest.raises(RuntimeError):
            TaskRun(TEXT.task(), store=Broken()).attempt()
        assert ims_emulator.requests() == []

    @text_jobs_listed
    def test_an_id_that_cannot_be_noted_neither_ends_the_task_nor_costs_a_second_job(
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
    def test_a_note_that_is_not_ours_is_passed_over(self, record: Any, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task(), store=Store({STORE_KEY: record}))
        assert run.attempt()["state"] == "Finished"

    def test_the_note_of_another_kind_of_job_is_passed_over(self, ims_emulator: ImsEmulator) -> None:
        store = Store()
        TaskRun(BATCH.task(), store=store).attempt()
        assert TaskRun(TEXT.task(), store=store).attempt()["state"] == "Finished"

    def test_switched_off_each_try_submits_and_nothing_is_noted_or_marked(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task(durable=False))
        run.attempt()
        run.attempt()
        assert len(ims_emulator.jobs()) == 2
        assert run.store == {}
        assert all("UserData" not in job["parameters"] for job in ims_emulator.jobs())


class TestWithoutAStore:
    """Airflow before 3.3."""

    @every_kind
    @text_jobs_listed
    def test_a_retry_looks_for_the_marker(self, case: Case, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(case.task(), store=None)
        first = run.attempt()
        assert run.attempt() == first
        assert len(ims_emulator.jobs()) == 1

    @text_jobs_listed
    def test_after_a_failed_job_a_retry_submits_exactly_one_more(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(TEXT.submit, "fail_job")
        run = TaskRun(TEXT.task(), store=None)
        with pytest.raises(ImsJobFailedError):
            run.attempt()
        second = run.attempt()
        assert run.attempt() == second
        assert len(ims_emulator.jobs()) == 2

    @text_jobs_listed
    def test_a_clear_submits_exactly_one_more(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(TEXT.task(), store=None)
        run.attempt()
        run.clear()
        run.attempt()
        assert len(ims_emulator.jobs()) == 2

    def test_a_first_try_looks_for_nothing(self, ims_emulator: ImsEmulator) -> None:
        TaskRun(TEXT.task(), store=None).attempt()
        assert ims_emulator.requests("ListSmartJobs") == []

    @text_jobs_listed
    def test_it_looks_from_the_start_of_the_dag_run_on(self, ims_emulator: ImsEmulator) -> None:
        run = TaskRun(BATCH.task(), store=None)
        run.dag_run_start = datetime(2026, 1, 1, 6, tzinfo=UTC)
        run.attempt()
        run.attempt()
        (poll_once,) = ims_emulator.requests("ListBatchMediaProducingJobs")
        assert poll_once["parameters"]["StartTime"] == "2026-01-01T05:55:00Z"


def test_pauses_grow_and_add_up_to_the_lag() -> None:
    assert list(_pauses(30)) == [1, 2, 4, 8, 15]
    assert sum(_pauses(300)) == 300
    assert list(_pauses(0)) == []


def test_changed_parameters_under_a_known_client_token_are_told(ims_emulator: ImsEmulator) -> None:
    run_task(BATCH.task(client_token="order-66"))
    with pytest.raises(ImsRequestError) as caught:
        run_task(BATCH.task(client_token="order-66", template_config=["other"]))
    assert caught.value.code == "IdempotentParameterMismatch"
