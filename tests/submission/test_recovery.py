"""The recovery policy of a job kind and of concrete parameters."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from airflow_provider_ims._jobs.kinds import KINDS, kind_of
from airflow_provider_ims._jobs.marker import key_in
from airflow_provider_ims._submission.record import SubmissionRecord, SubmissionState
from airflow_provider_ims._submission.recovery import (
    CONCLUSIVE_SEARCH,
    IDEMPOTENCY_TOKEN,
    INCONCLUSIVE_SEARCH,
    NOT_RECOVERABLE,
    POLICIES,
    REJECTED_DUPLICATE,
    Recovery,
    RecoveryPolicy,
    policy_of,
    recovery_of,
)
from airflow_provider_ims.exceptions import ImsError, ImsPermissionError, ImsRequestError, ImsUnavailableError
from airflow_provider_ims.hooks._actions import VOD

BATCH = kind_of("SubmitBatchMediaProducingJob")
AUDIO = kind_of("SubmitAudioProduceJob")
TRANSCODING = kind_of("SubmitTranscodeJobs", VOD)
NEW = SubmissionRecord("Submit", 0, "0123456789abcdef" * 2, 0, 0.0)
UNANSWERED = replace(NEW, unanswered_submits=1, token=str(NEW.key))
FULL = json.dumps({"a": "x" * 490})


def test_every_policy_has_job_kinds() -> None:
    assert {policy_of(kind) for kind in KINDS} == set(POLICIES)
    assert [kind for kind in KINDS if kind.search_is_conclusive and policy_of(kind) is not CONCLUSIVE_SEARCH] == []


@pytest.mark.parametrize(
    ("action", "parameters", "record", "policy", "searched"),
    [
        ("SubmitBatchMediaProducingJob", {}, UNANSWERED, IDEMPOTENCY_TOKEN, True),
        ("SubmitBatchMediaProducingJob", {"ClientToken": "mine"}, UNANSWERED, IDEMPOTENCY_TOKEN, False),
        ("SubmitBatchMediaProducingJob", {"UserData": FULL}, UNANSWERED, IDEMPOTENCY_TOKEN, False),
        ("SubmitAudioProduceJob", {}, UNANSWERED, CONCLUSIVE_SEARCH, True),
        ("SubmitAudioProduceJob", {"UserData": FULL}, UNANSWERED, NOT_RECOVERABLE, False),
        ("SubmitTextGenerateJob", {}, UNANSWERED, INCONCLUSIVE_SEARCH, True),
        ("SubmitIProductionJob", {}, UNANSWERED, NOT_RECOVERABLE, False),
    ],
)
def test_the_policy_depends_on_the_kind_and_the_parameters(
    action: str, parameters: dict[str, str], record: SubmissionRecord, policy: RecoveryPolicy, searched: bool
) -> None:
    recovery = recovery_of(kind_of(action), parameters, record, recorded=True)
    assert recovery.policy is policy
    assert (recovery.search is not None) is searched
    assert (key_in(recovery.request.get("UserData")) == record.key) is searched


def test_a_duplicate_is_rejected_only_if_the_first_submit_request_contained_a_known_token() -> None:
    assert recovery_of(TRANSCODING, {}, UNANSWERED, recorded=True).policy is REJECTED_DUPLICATE
    unknown = replace(UNANSWERED, token=None)
    assert recovery_of(TRANSCODING, {"SessionId": "x"}, unknown, recorded=False).policy is NOT_RECOVERABLE


def test_a_key_that_is_not_unique_is_not_sent_as_a_session_id() -> None:
    assert recovery_of(TRANSCODING, {}, NEW, recorded=False).token is None
    assert recovery_of(TRANSCODING, {}, NEW, recorded=True).token == str(NEW.key)
    assert recovery_of(BATCH, {}, NEW, recorded=False).token == str(NEW.key)


def test_one_search_is_enough_if_a_second_submit_request_returns_the_job() -> None:
    assert recovery_of(BATCH, {}, UNANSWERED, recorded=True).search_time == 0
    accepted = replace(UNANSWERED, accepted_without_id=True)
    assert recovery_of(BATCH, {}, accepted, recorded=True).search_time == 30
    assert recovery_of(AUDIO, {}, UNANSWERED, recorded=True).search_time == 30


MISMATCH = ImsRequestError("other parameters", code="IdempotentParameterMismatch")


@pytest.mark.parametrize(
    ("error", "own_token", "accepted"),
    [
        (ImsUnavailableError("cut"), False, None),
        # A second submit request returns the job with its id.
        (ImsUnavailableError("no id", accepted=True), False, None),
        (ImsUnavailableError("not sent", accepted=False), False, False),
        (ImsPermissionError("denied"), False, False),
        (MISMATCH, False, True),
        (MISMATCH, True, False),
    ],
)
def test_an_error_shows_whether_the_service_accepted_a_submission(
    error: ImsError, own_token: bool, accepted: bool | None
) -> None:
    parameters = {"ClientToken": "mine"} if own_token else {}
    assert recovery_of(BATCH, parameters, NEW, recorded=True).was_accepted(error) is accepted


def test_a_response_without_a_job_id_shows_that_a_job_without_a_token_was_accepted() -> None:
    error = ImsUnavailableError("no id", accepted=True)
    assert recovery_of(AUDIO, {}, NEW, recorded=True).was_accepted(error) is True


def test_only_a_rejected_second_submit_request_can_be_a_duplicate() -> None:
    def recovery(record: SubmissionRecord) -> Recovery:
        return recovery_of(TRANSCODING, {}, record, recorded=True)

    exists = ImsRequestError("exists", code="SessionIdExists")
    assert recovery(UNANSWERED).is_duplicate(exists)
    assert not recovery(UNANSWERED).is_duplicate(ImsPermissionError("denied"))
    assert not recovery(NEW).is_duplicate(exists)


@pytest.mark.parametrize(
    ("kind", "record", "advice"),
    [
        (BATCH, UNANSWERED, "the same ClientToken"),
        (BATCH, replace(UNANSWERED, accepted_without_id=True), f"search the UserData of the jobs for {NEW.key}"),
        (TRANSCODING, UNANSWERED, "the same SessionId"),
        (TRANSCODING, replace(UNANSWERED, accepted_without_id=True), "created at 1970-01-01T00:00:00"),
        (AUDIO, UNANSWERED, f"search the UserData of the jobs for {NEW.key}"),
    ],
)
def test_the_error_advises_what_the_policy_allows(kind: object, record: SubmissionRecord, advice: str) -> None:
    error = recovery_of(kind, {}, record, recorded=True).uncertain("the reason")  # type: ignore[arg-type]
    assert advice in str(error)
    assert "(the reason)" in str(error)
    assert error.key == str(NEW.key)


def test_a_record_shows_the_state_of_its_submission() -> None:
    known = replace(UNANSWERED, accepted_without_id=True, job_id="job")
    accepted = replace(known, job_id=None)
    records = (NEW, UNANSWERED, accepted, known, known.next())
    states = [SubmissionState[name] for name in ("NEW", "UNANSWERED", "ACCEPTED", "KNOWN", "NEW")]
    assert [record.state for record in records] == states
    assert known.next().number == 1
    assert all(SubmissionRecord.read(asdict(record)) == record for record in records)


def test_the_user_data_of_a_request_contains_the_marker_and_the_queue() -> None:
    request = recovery_of(AUDIO, {}, NEW, recorded=True, queue="ice-callback-a").request
    assert json.loads(request["UserData"]) == {"AirflowKey": str(NEW.key), "NotifyAddress": "ice-callback-a"}


def test_the_marker_has_precedence_over_the_queue() -> None:
    user_data = json.dumps({"text": "x" * 430})
    request = recovery_of(AUDIO, {"UserData": user_data}, NEW, recorded=True, queue="ice-callback-a").request
    assert json.loads(request["UserData"]) == {**json.loads(user_data), "AirflowKey": str(NEW.key)}


def test_a_request_with_the_users_client_token_stays_unchanged() -> None:
    parameters = {"ClientToken": "mine", "UserData": '{"a":1}'}
    assert recovery_of(BATCH, parameters, NEW, recorded=True, queue="ice-callback-a").request == parameters
