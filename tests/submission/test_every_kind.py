"""The number of billed jobs after a lost response, for each job kind of the catalogue."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from support.running import Store, TaskLog, TaskRun
from support.submits import SUBMITS

from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.kinds import KINDS, kind_of
from airflow_provider_ims._submission import Submitter
from airflow_provider_ims._submission.recovery import NOT_RECOVERABLE, POLICIES, REJECTED_DUPLICATE, policy_of
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.model import key_of
from airflow_provider_ims.exceptions import ImsRequestError, ImsUncertainSubmitError
from airflow_provider_ims.operators import base as operators
from airflow_provider_ims.operators.ims import ImsSubmitJobOperator
from airflow_provider_ims.operators.vod import VodSubmitJobOperator

OPERATORS = {"ice": ImsSubmitJobOperator, "vod": VodSubmitJobOperator}


def kind_id(kind: JobKind) -> str:
    return f"{kind.family.product.code}:{kind.submit_action}"


def key(kind: JobKind) -> str:
    return key_of(kind.submit_action, kind.family.product.version)


#: Policy -> the kinds to which it applies.
KINDS_OF = {policy: [kind for kind in KINDS if policy_of(kind) is policy] for policy in POLICIES}
REJECTED, LOST = KINDS_OF[REJECTED_DUPLICATE], KINDS_OF[NOT_RECOVERABLE]
FOUND = [kind for kind in KINDS if kind not in REJECTED and kind not in LOST]
#: All jobs end at once, because an AI image job is listed only after it has produced images.
all_listed = pytest.mark.ims_emulator(list_text_jobs=True, durations={key(kind): 0 for kind in KINDS})


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "Submitter", partial(Submitter, sleep=lambda _: None))


def task(kind: JobKind, **more: Any) -> Any:
    code = kind.family.product.code
    parameters = SUBMITS[code, kind.submit_action]
    return OPERATORS[code](task_id="job", job=kind.submit_action, parameters=parameters, poll_interval=0.05, **more)


@all_listed
@pytest.mark.parametrize("kind", FOUND, ids=kind_id)
def test_a_recoverable_job_is_submitted_once_when_its_response_is_lost(
    kind: JobKind, ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault(key(kind), "cut_after")
    result = TaskRun(task(kind)).attempt()
    (job,) = ims_emulator.jobs()
    assert result["job_id"] == job["job_id"]


@pytest.mark.parametrize("kind", REJECTED, ids=kind_id)
def test_a_job_whose_duplicate_is_rejected_is_submitted_once_and_the_task_fails(
    kind: JobKind, ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault(key(kind), "cut_after")
    run = TaskRun(task(kind))
    for _ in range(2):
        with pytest.raises(ImsUncertainSubmitError, match="SessionIdExists"):
            run.attempt()
    (job,) = ims_emulator.jobs()
    sent = [request["parameters"][kind.dedup_parameter] for request in ims_emulator.requests(kind.submit_action)]
    assert sent == [job["parameters"][kind.dedup_parameter]] * 3
    run.clear()
    assert run.attempt()["job_id"] != job["job_id"]
    assert len(ims_emulator.jobs()) == 2


@pytest.mark.parametrize("kind", REJECTED, ids=kind_id)
@pytest.mark.parametrize("store", [Store(), None], ids=["recorded", "not recorded"])
def test_a_job_after_a_failed_job_is_not_rejected_as_a_duplicate(
    kind: JobKind, store: Store | None, ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault(key(kind), "fail_job")
    run = TaskRun(task(kind), store=store)
    with pytest.raises(Exception, match="failed"):
        run.attempt()
    run.attempt()
    assert len(ims_emulator.jobs()) == 2


@pytest.mark.parametrize("kind", REJECTED, ids=kind_id)
def test_the_users_own_token_of_the_first_try_is_sent_in_later_tries(kind: JobKind, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(key(kind), "cut_after")
    run = TaskRun(task(kind))
    for own in ("mine-1", "mine-2"):
        run.task.parameters = {**run.task.parameters, kind.dedup_parameter: own}
        with pytest.raises(ImsUncertainSubmitError):
            run.attempt()
    sent = [request["parameters"][kind.dedup_parameter] for request in ims_emulator.requests(kind.submit_action)]
    assert set(sent) == {"mine-1"}
    assert len(ims_emulator.jobs()) == 1


@pytest.mark.parametrize("kind", LOST, ids=kind_id)
def test_on_uncertain_fail_never_submits_an_unrecoverable_job_twice(kind: JobKind, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(key(kind), "cut_after")
    run = TaskRun(task(kind, on_uncertain="fail"))
    for _ in range(2):
        with pytest.raises(ImsUncertainSubmitError, match="cannot be searched for") as failure:
            run.attempt()
        assert "UserData" not in str(failure.value)
        assert "Clearing the task submits a new job" in str(failure.value)
    assert len(ims_emulator.jobs()) == 1


@pytest.mark.parametrize("kind", LOST, ids=kind_id)
def test_an_unrecoverable_job_is_submitted_once_more_with_a_warning(
    kind: JobKind, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    ims_emulator.fault(key(kind), "cut_after")
    TaskRun(task(kind)).attempt()
    assert len(ims_emulator.requests(kind.submit_action)) == 2
    # The request for an avatar contains the job id, so both requests are for the same job.
    assert len(ims_emulator.jobs()) == (1 if kind.submit_action == "SubmitAvatarTrainingJob" else 2)
    assert any("cannot be searched for" in line for line in task_log.lines("warning"))
    assert not any("UserData" in line for line in task_log.lines())


@pytest.mark.parametrize(
    ("job", "user_data"),
    [("SubmitMediaCensorJob", "plain words"), ("SubmitASRJob", {"note": "x" * 490})],
    ids=["plain text", "too long"],
)
def test_a_job_without_a_marker_is_not_recoverable_by_a_conclusive_search(
    job: str, user_data: Any, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    ims_emulator.fault(job, "cut_after", count=None)
    operator = task(kind_of(job))
    operator.parameters = {**operator.parameters, "UserData": user_data}
    run = TaskRun(operator)
    for _ in range(3):
        with pytest.raises(ImsUncertainSubmitError, match="cannot be searched for"):
            run.attempt()
    assert len(ims_emulator.jobs()) == 2
    assert not any("is listed, so none was accepted" in line for line in task_log.lines())
    assert any("a search cannot find the job" in line for line in task_log.lines())


@pytest.mark.parametrize("kind", REJECTED, ids=kind_id)
def test_without_a_record_the_job_is_submitted_once_more_without_a_token(
    kind: JobKind, ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault(key(kind), "cut_after", count=None)
    run = TaskRun(task(kind), store=None)
    with pytest.raises(ImsUncertainSubmitError):
        run.attempt()
    assert len(ims_emulator.jobs()) == 2


@pytest.mark.parametrize("kind", REJECTED, ids=kind_id)
def test_a_rejected_submit_request_is_not_uncertain(kind: JobKind, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(key(kind), "error", count=None, code="InvalidParameter", status=400)
    run = TaskRun(task(kind))
    for _ in range(2):
        with pytest.raises(ImsRequestError):
            run.attempt()
    assert ims_emulator.jobs() == []
