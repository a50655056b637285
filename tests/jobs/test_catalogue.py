"""Every job kind, submitted with the product client and queried by its family until the job ends."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from support.product_client import ProductClient
from support.submits import SUBMITS, encoded

from airflow_provider_ims._jobs.batch import BATCH
from airflow_provider_ims._jobs.job import Job, JobState
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.kinds import FAMILIES, KINDS, NO_JOBS, family_of, kind_of
from airflow_provider_ims._jobs.marker import SubmissionKey, key_in
from airflow_provider_ims._jobs.payload import walk_path
from airflow_provider_ims._jobs.search import find_jobs
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsRequestError, ImsUnavailableError
from airflow_provider_ims.hooks._actions import ICE, VOD, Product
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook

KEY = SubmissionKey("0123456789abcdef" * 2, 0)

#: The keys of results that a function of the family creates.
SHAPED = {
    "SubmitTextGenerateJob": {"texts", "usage"},
    "SubmitAudioProduceJob": {"media_id", "media_url", "sentences"},
    "SubmitASRJob": {"media_id", "media_url", "sentences"},
    "SubmitTranscodeJob": {"outputs", "failed"},
    "SubmitTranscodeJobs": {"video_id", "outputs", "failed"},
    "SubmitAIImageJob": {"video_id", "images"},
}


def kind_id(kind: JobKind) -> str:
    return f"{kind.family.product.code}:{kind.submit_action}"


every_kind = pytest.mark.parametrize("kind", KINDS, ids=kind_id)


@pytest.fixture(scope="module")
def emulator() -> Iterator[ImsEmulator]:
    with ImsEmulator(clock="manual", list_text_jobs=True) as emulator:
        yield emulator


class ApiCaller:
    """Calls both products, with the hooks and with the product clients."""

    def __init__(self, emulator: ImsEmulator) -> None:
        self.emulator = emulator
        self._clients: dict[str, ProductClient] = {}

    def submitted(self, kind: JobKind, **more: str) -> str:
        """Submit a valid request with the product client, and return the job id in the response."""
        given = {**SUBMITS[kind.family.product.code, kind.submit_action], **more}
        job_id = kind.job_id_in(self.client(kind).call(kind.submit_action, given))
        assert job_id
        return job_id

    def client(self, kind: JobKind) -> ProductClient:
        return self._clients.setdefault(kind.family.product.code, ProductClient(self.hook(kind)))

    def hook(self, kind: JobKind) -> Any:
        return ImsHook() if kind.family.product is ICE else VodHook()

    def job(self, kind: JobKind, job_id: str) -> Job:
        return kind.family.query(self.hook(kind), [job_id])[job_id]


@pytest.fixture
def service(emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> ApiCaller:
    emulator.reset()
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", emulator.connection_uri)
    return ApiCaller(emulator)


def test_there_is_a_valid_request_of_each_kind() -> None:
    assert set(SUBMITS) == {(kind.family.product.code, kind.submit_action) for kind in KINDS}


@every_kind
def test_a_valid_request_passes_the_checks_of_the_parameters(kind: JobKind) -> None:
    given = SUBMITS[kind.family.product.code, kind.submit_action]
    arguments = {parameter.argument: given.get(parameter.name) for parameter in kind.parameters}
    sent = kind.encode(arguments)
    assert {name: value if isinstance(given[name], str) else json.loads(value) for name, value in sent.items()} == given
    for parameter in kind.parameters:
        if parameter.required:
            with pytest.raises(ImsRequestError, match=f"{parameter.argument} is required"):
                kind.encode({**arguments, parameter.argument: None})


@every_kind
def test_a_job_runs_and_succeeds(service: ApiCaller, kind: JobKind) -> None:
    job_id = service.submitted(kind)
    assert service.job(kind, job_id).state is JobState.RUNNING
    service.emulator.advance(2**20)
    job = service.job(kind, job_id)
    assert (job.id, job.state, job.error_code, job.error_message) == (job_id, JobState.SUCCEEDED, None, None)
    assert job.status.casefold() in {word.casefold() for word in kind.family.succeeded}
    if kind.family.refine is None:
        assert any(job.result.values())
    elif kind.submit_action in SHAPED:
        assert set(job.result) == SHAPED[kind.submit_action]
    # A job can be serialized.
    assert Job.from_dict(json.loads(json.dumps(job.as_dict()))) == job


@every_kind
def test_a_failed_job_has_the_error_code_and_the_message_if_the_service_returns_them(
    service: ApiCaller, kind: JobKind
) -> None:
    job_id = service.submitted(kind)
    service.emulator.fail(job_id, code="Broken", message="坏了")
    job = service.job(kind, job_id)
    family = kind.family
    assert job.state is JobState.FAILED
    assert job.status.casefold() in {word.casefold() for word in family.failed}
    code, message = family.error
    assert (job.error_code, job.error_message) == ("Broken" if code else None, "坏了" if message else None)


@every_kind
def test_every_status_is_mapped_to_the_state_in_the_catalogue(service: ApiCaller, kind: JobKind) -> None:
    family = kind.family
    job_id = service.submitted(kind)
    service.emulator.finish(job_id)
    meant = {
        JobState.RUNNING: (*family.running, "Pondering"),
        JobState.SUCCEEDED: family.succeeded,
        JobState.FAILED: family.failed,
    }
    for state, words in meant.items():
        for word in words:
            service.emulator.set_state(job_id, word)
            # The state of a batch depends on its videos; test_batch.py tests it.
            if family is not BATCH:
                assert service.job(kind, job_id).state is state, word
            assert family.state_of(word) is family.state_of(word.upper()) is state


@every_kind
def test_an_unknown_job_is_absent_for_both_responses_of_the_service(service: ApiCaller, kind: JobKind) -> None:
    assert kind.family.query(service.hook(kind), ["nobody"]) == {}
    with ImsEmulator(unknown_job_is_error=False) as emulator, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_IMS_DEFAULT", emulator.connection_uri)
        assert kind.family.query(service.hook(kind), ["nobody"]) == {}


@every_kind
def test_the_family_reads_the_same_keys_with_the_product_client(service: ApiCaller, kind: JobKind) -> None:
    job_id = service.submitted(kind)
    service.emulator.finish(job_id)
    theirs = kind.family.query(service.client(kind), [job_id])[job_id]
    ours = service.job(kind, job_id)
    assert (theirs.id, theirs.state, theirs.status) == (ours.id, ours.state, ours.status)
    # The models omit fields that they do not know, so only the keys of the results are compared.
    assert set(theirs.result) == set(ours.result)


@every_kind
def test_a_malformed_response_is_a_transient_error(kind: JobKind) -> None:
    class Garbled:
        def call(self, action: str, params: Any, **options: Any) -> Any:
            return {"RequestId": "R", "Rubbish": 1}

    with pytest.raises(ImsUnavailableError, match="Unexpected response format"):
        kind.family.query(Garbled(), ["a"])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.takes_client_token], ids=kind_id)
def test_two_submit_requests_with_the_same_client_token_create_one_job(service: ApiCaller, kind: JobKind) -> None:
    assert service.submitted(kind, ClientToken="token") == service.submitted(kind, ClientToken="token")
    assert service.submitted(kind, ClientToken="other") != service.submitted(kind)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.takes_marker], ids=kind_id)
def test_a_job_is_found_by_its_marker(service: ApiCaller, kind: JobKind) -> None:
    user_data = kind.add_marker(None, KEY)
    assert user_data is not None
    assert key_in(user_data) == KEY
    service.submitted(kind)
    job_id = service.submitted(kind, UserData=user_data)
    service.emulator.advance(2**20)
    search = kind.family.search
    assert search is not None
    submitted = encoded(SUBMITS[kind.family.product.code, kind.submit_action])
    since = service.emulator.health()["time"] - 2**21
    assert find_jobs(search, service.hook(kind), submitted, [KEY.run], since) == {KEY.run: (KEY, job_id)}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.takes_marker], ids=kind_id)
def test_no_marker_is_added_for_a_kind_without_a_search(kind: JobKind) -> None:
    assert kind.add_marker(None, KEY) is None


def test_the_marker_is_omitted_if_the_actions_user_data_has_no_room() -> None:
    censor = kind_of("SubmitMediaCensorJob")
    assert censor.add_marker('{"a":"' + "x" * 60 + '"}', KEY) is not None
    assert censor.add_marker('{"a":"' + "x" * 120 + '"}', KEY) is None
    # Plain text stays unchanged.
    assert censor.add_marker("plain words", KEY) is None


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.family.listing], ids=kind_id)
def test_a_listing_shows_the_jobs_that_have_not_ended(service: ApiCaller, kind: JobKind) -> None:
    listing = kind.family.listing
    assert listing is not None
    ended, fresh = service.submitted(kind), service.submitted(kind)
    service.emulator.finish(ended)
    pages = listing.in_state(service.hook(kind), listing.unfinished[0])
    assert [job for page in pages for job in page] == [(fresh, listing.unfinished[0])]
    for word in listing.unfinished:
        assert kind.family.state_of(word) is JobState.RUNNING
        list(listing.in_state(service.hook(kind), word))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.family.cancel_action], ids=kind_id)
def test_a_job_can_be_cancelled(service: ApiCaller, kind: JobKind) -> None:
    job_id = service.submitted(kind)
    family = kind.family
    assert family.cancel_action is not None
    assert set(family.cancel_while) <= set(family.running)
    request = {family.cancel_parameter: job_id}
    body = service.hook(kind).call(family.cancel_action, request)
    assert service.job(kind, job_id).state is JobState.FAILED
    if family.cancelled:
        assert list(walk_path(body, family.cancelled)) == [job_id]
        again = service.hook(kind).call(family.cancel_action, request)
        assert list(walk_path(again, family.cancelled)) == []
    else:
        with pytest.raises(ImsRequestError, match="cannot be cancelled"):
            service.hook(kind).call(family.cancel_action, request)


@pytest.mark.parametrize(("product", "action"), [("ice", "SubmitTranscodeJob"), ("vod", "SubmitTranscodeJobs")])
def test_a_partly_failed_transcoding_succeeds_and_returns_the_failed_part(
    service: ApiCaller, product: str, action: str
) -> None:
    kind = kind_of(action, ICE if product == "ice" else VOD)
    job_id = service.submitted(kind)
    service.emulator.fail_videos(job_id, 1, code="Broken", message="坏了")
    service.emulator.advance(2**20)
    job = service.job(kind, job_id)
    assert job.state is JobState.SUCCEEDED
    assert (len(job.result["outputs"]), len(job.result["failed"])) == (1, 1)
    if product == "vod":
        assert job.outcome()["state"] == "CompletePartialSucc"
        assert job.result["failed"][0]["error_code"] == "Broken"


def test_the_entries_of_the_catalogue_are_consistent() -> None:
    assert len({kind_id(kind) for kind in KINDS}) == len(KINDS)
    for kind in KINDS:
        family = kind.family
        assert kind.title
        assert len({parameter.argument for parameter in kind.parameters}) == len(kind.parameters)
        assert family.running
        words = [word.casefold() for word in (*family.running, *family.succeeded, *family.failed)]
        assert len(set(words)) == len(words)
        assert family is family_of(family.name) is FAMILIES[family.name]


def test_the_error_for_an_unknown_action_or_family_suggests_similar_names() -> None:
    assert kind_of("SubmitASRJob").family is family_of("GetSmartHandleJob")
    assert kind_of("SubmitSnapshotJob").family is not kind_of("SubmitSnapshotJob", VOD).family
    assert [family_of("GetWorkflowTask", product).name for product in (None, ICE, VOD)] == [
        "workflow",
        "workflow",
        "vod_workflow",
    ]
    with pytest.raises(ImsRequestError, match="vod_workflow is a job family of vod, not of ice"):
        family_of("vod_workflow", ICE)
    with pytest.raises(ImsRequestError, match="Did you mean UploadMediaByURL"):
        kind_of("UploadMediaByUrl")
    with pytest.raises(ImsRequestError, match="CreateAvatarTrainingJob: it only creates the job"):
        kind_of("CreateAvatarTrainingJob")
    with pytest.raises(ImsRequestError, match="Did you mean SubmitTranscodeJob") as unknown:
        kind_of("SubmitTranscodingJob")
    assert unknown.value.field == "job"
    with pytest.raises(ImsRequestError, match="SubmitTranscodeJobs is an action of vod, not of ice"):
        kind_of("SubmitTranscodeJobs")
    with pytest.raises(ImsRequestError, match="SubmitASRJob"):
        kind_of("ASR")
    with pytest.raises(ImsRequestError, match=r"Known names: .*SubmitWorkflowJob"):
        kind_of("xyzzy", VOD)
    with pytest.raises(ImsRequestError, match="job of SubmitLiveRecordJob: its job runs as long as the live stream"):
        kind_of("SubmitLiveRecordJob")
    with pytest.raises(ImsRequestError, match=r"Did you mean .*transcode"):
        family_of("transcod")


@pytest.mark.parametrize(
    ("product", "action"),
    [(product, action) for product in (ICE, VOD) for action in NO_JOBS[product.code]],
    ids=lambda one: getattr(one, "code", one),
)
def test_the_error_for_an_action_without_a_job_kind_contains_the_reason(product: Product, action: str) -> None:
    reason = NO_JOBS[product.code][action]
    assert len(reason.split()) > 2
    mentioned = set(re.findall(r"\b[A-Z][a-z]+[A-Z]\w+", reason)) - {"CallbackConfig"}
    assert {action, *mentioned} <= set(product.actions)
    with pytest.raises(ImsRequestError) as error:
        kind_of(action, product)
    assert f"cannot wait for a job of {action}: {reason}. " in str(error.value)
