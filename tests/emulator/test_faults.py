from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ice20201109 import models
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException
from darabonba.exceptions import UnretryableException
from darabonba.runtime import RuntimeOptions
from support.emulated import GOOD_REQUESTS, SignedClient
from support.waiting import CEILING, wait_until

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.control.active_faults import Faults
from airflow_provider_ims.emulator.control.faults import FAULT_KINDS

if TYPE_CHECKING:
    from alibabacloud_ice20201109.client import Client as IceClient

TEXT, BATCH, IMAGE = "SubmitTextGenerateJob", "SubmitBatchMediaProducingJob", "SubmitAIImageJob"
GET, LIST = "GetSmartHandleJob", "ListSmartJobs"


@pytest.fixture(autouse=True)
def _clear_faults(emulator: ImsEmulator) -> Iterator[None]:
    yield
    emulator.clear_faults()


@pytest.mark.parametrize(
    ("kind", "options", "exception", "status", "code"),
    [
        ("throttle", {}, ClientException, 400, "Throttling.User"),
        ("throttle", {"code": "Throttling.Api"}, ClientException, 400, "Throttling.Api"),
        ("throttle", {"code": "RequestsTooFrequent"}, ClientException, 403, "RequestsTooFrequent"),
        ("throttle", {"status": 429}, ClientException, 429, "Throttling.User"),
        ("throttle", {"retry_after": 1500}, ThrottlingException, 400, "Throttling.User"),
        ("server_error", {}, ServerException, 500, "InternalError"),
        ("unavailable", {}, ServerException, 503, "ServiceUnAvailable"),
        ("unavailable", {"retry_after": 10}, ThrottlingException, 503, "ServiceUnAvailable"),
        ("deny", {}, ClientException, 403, "Forbidden.RAM"),
        ("deny", {"code": "NoPermission"}, ClientException, 403, "NoPermission"),
        ("not_subscribed", {}, ClientException, 403, "OperationDenied"),
        ("suspended", {}, ClientException, 403, "OperationDenied.Suspended"),
        ("error", {"code": "InvalidVideo.NotFound", "status": 404}, ClientException, 404, "InvalidVideo.NotFound"),
    ],
)
def test_a_fault_raises_the_documented_exception_of_the_sdk(
    emulator: ImsEmulator,
    sdk: Callable[..., Any],
    kind: str,
    options: dict[str, Any],
    exception: type[Any],
    status: int,
    code: str,
) -> None:
    emulator.fault(TEXT, kind, **options)
    with pytest.raises(exception) as caught:
        sdk(TEXT, GOOD_REQUESTS[TEXT])
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.request_id == emulator.requests(TEXT)[0]["request_id"]
    assert emulator.jobs() == []


def test_the_sdk_reads_the_retry_after_of_a_throttled_request(emulator: ImsEmulator, sdk: Callable[..., Any]) -> None:
    emulator.fault(LIST, "throttle", retry_after=1500)
    with pytest.raises(ThrottlingException) as caught:
        sdk(LIST)
    assert caught.value.retry_after == 1500


@pytest.mark.parametrize(("action", "ram"), [(TEXT, f"ice:{TEXT}"), (IMAGE, f"vod:{IMAGE}")])
def test_a_denial_contains_the_action_to_grant(
    emulator: ImsEmulator, sdk: Callable[..., Any], action: str, ram: str
) -> None:
    emulator.fault(action, "deny")
    with pytest.raises(ClientException) as caught:
        sdk(action, GOOD_REQUESTS[action])
    assert caught.value.access_denied_detail["AuthAction"] == ram


def test_the_detail_of_a_denial_can_be_omitted(emulator: ImsEmulator, send: SignedClient) -> None:
    emulator.fault(LIST, "deny", detail=False)
    assert "AccessDeniedDetail" not in send(LIST)[1]


@pytest.mark.parametrize("options", [{}, {"status": 200}, {"status": 200, "body": "", "content_type": "text/plain"}])
def test_a_non_json_response_raises_an_error_in_the_sdk(
    emulator: ImsEmulator, sdk: Callable[..., Any], options: dict[str, Any]
) -> None:
    emulator.fault(LIST, "non_json", **options)
    with pytest.raises(UnretryableException):
        sdk(LIST)
    assert emulator.requests(LIST)[0]["status"] == options.get("status", 502)


def test_a_connection_that_is_cut_before_processing_creates_no_job(
    emulator: ImsEmulator, sdk: Callable[..., Any]
) -> None:
    emulator.fault(TEXT, "cut")
    with pytest.raises(UnretryableException):
        sdk(TEXT, GOOD_REQUESTS[TEXT])
    assert emulator.jobs() == []
    assert [request["status"] for request in emulator.requests(TEXT)] == [None]


def test_a_connection_that_is_cut_after_processing_creates_a_job(
    emulator: ImsEmulator, sdk: Callable[..., Any]
) -> None:
    emulator.fault(TEXT, "cut_after")
    with pytest.raises(UnretryableException):
        sdk(TEXT, GOOD_REQUESTS[TEXT])
    (job,) = emulator.jobs(TEXT)
    (request,) = emulator.requests(TEXT)
    assert (request["job_id"], request["status"], request["faults"]) == (job["job_id"], None, ["cut_after"])
    assert sdk(GET, JobId=job["job_id"]).state == "Created"


@pytest.mark.parametrize(("kind", "jobs"), [("hang", 0), ("hang_after", 1)])
def test_a_request_that_hangs_times_out(emulator: ImsEmulator, ice: IceClient, kind: str, jobs: int) -> None:
    emulator.fault(TEXT, kind)
    request = models.SubmitTextGenerateJobRequest().from_map(GOOD_REQUESTS[TEXT])
    with pytest.raises(UnretryableException, match="timed out"):
        ice.submit_text_generate_job_with_options(request, RuntimeOptions(read_timeout=50))
    assert len(emulator.jobs()) == jobs


def test_a_request_that_hangs_blocks_no_other_request_and_is_processed_after_its_release(
    emulator: ImsEmulator, send: SignedClient
) -> None:
    emulator.fault(TEXT, "hang", seconds=None)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(send, TEXT, GOOD_REQUESTS[TEXT])
        wait_until(lambda: emulator.requests(TEXT) != [])
        assert send(LIST)[0] == 200
        assert emulator.requests(TEXT)[0]["status"] is None
        assert not hanging.done()
        emulator.release()
        assert hanging.result()[0] == 200
    assert [request["status"] for request in emulator.requests(TEXT)] == [200]
    assert len(emulator.jobs()) == 1


def test_a_request_that_hangs_is_processed_after_its_seconds(emulator: ImsEmulator, send: SignedClient) -> None:
    emulator.fault(LIST, "hang", seconds=0.01)
    assert send(LIST)[0] == 200


def test_a_job_can_fail_at_its_end(
    emulator: ImsEmulator, submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    emulator.fault(TEXT, "fail_job", code="ContentBad", message="not allowed")
    job_id, other = submit(TEXT), submit(TEXT)
    assert query(GET, JobId=job_id)["State"] == "Created"
    emulator.advance(2)
    body = query(GET, JobId=job_id)
    assert (body["State"], body["ErrorCode"], body["ErrorMessage"]) == ("Failed", "ContentBad", "not allowed")
    assert query(GET, JobId=other)["State"] == "Finished"


def test_some_videos_of_the_next_batch_can_fail(
    emulator: ImsEmulator, submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    emulator.fault(BATCH, "fail_job", videos=2)
    job_id = submit(BATCH)
    emulator.advance(10)
    job = query("GetBatchMediaProducingJob", JobId=job_id)["EditingBatchJob"]
    assert job["Status"] == "Finished"
    assert [sub_job["Status"] for sub_job in job["SubJobList"]] == ["Failed", "Failed", "Success"]


def test_the_fault_fail_job_affects_only_submit_requests(
    emulator: ImsEmulator, submit: Callable[..., str], send: SignedClient
) -> None:
    emulator.fault("*", "fail_job", videos=9)
    assert send(LIST)[1]["SmartJobList"] == []
    for action in (TEXT, BATCH):
        submit(action)
    emulator.fault("*", "fail_job", videos=9)
    submit(BATCH)
    emulator.advance(10)
    text, good, bad = emulator.jobs()
    assert (text["state"], good["state"], bad["state"]) == ("Failed", "Finished", "Finished")
    assert {video["Status"] for video in bad["result"]} == {"Failed"}


@pytest.mark.parametrize("videos", [-1, 4])
def test_the_number_of_failed_videos_is_checked(emulator: ImsEmulator, submit: Callable[..., str], videos: int) -> None:
    with pytest.raises(ValueError, match="count must be from 0 to 3"):
        emulator.fail_videos(submit(BATCH), videos)


def test_a_job_whose_response_is_lost_can_fail(emulator: ImsEmulator, sdk: Callable[..., Any]) -> None:
    emulator.fault(TEXT, "cut_after")
    emulator.fault(TEXT, "fail_job")
    with pytest.raises(UnretryableException):
        sdk(TEXT, GOOD_REQUESTS[TEXT])
    emulator.advance(2)
    assert emulator.jobs()[0]["state"] == "Failed"


@pytest.mark.parametrize(
    ("query_action", "submit_action", "parameter", "path"),
    [
        (GET, TEXT, "JobId", ("State",)),
        ("GetBatchMediaProducingJob", BATCH, "JobId", ("EditingBatchJob", "Status")),
        ("GetAIImageJobs", IMAGE, "JobIds", ("AIImageJobList", 0, "Status")),
    ],
)
def test_a_response_can_have_an_unknown_state(
    emulator: ImsEmulator,
    submit: Callable[..., str],
    query: Callable[..., Any],
    query_action: str,
    submit_action: str,
    parameter: str,
    path: tuple[str | int, ...],
) -> None:
    job_id = submit(submit_action)
    emulator.fault(query_action, "unknown_state", state="Suspending")

    def state() -> Any:
        value = query(query_action, **{parameter: job_id})
        for step in path:
            value = value[step]
        return value

    assert state() == "Suspending"
    assert state() != "Suspending"


def test_a_job_can_remain_in_an_unknown_state(
    emulator: ImsEmulator, submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    emulator.fault(TEXT, "unknown_state", state="Paused")
    job_id = submit(TEXT)
    emulator.advance(100)
    body = query(GET, JobId=job_id)
    assert body["State"] == "Paused"
    assert "JobResult" not in body
    emulator.set_state(job_id, None)
    assert query(GET, JobId=job_id)["State"] == "Finished"


def test_the_content_of_a_response_can_be_changed(
    emulator: ImsEmulator, submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    job_id = submit(TEXT)
    emulator.fault(GET, "odd_shape")
    assert query(GET, JobId=job_id) == []
    emulator.fault(GET, "odd_shape", body="text")
    assert query(GET, JobId=job_id) == "text"
    emulator.fault(GET, "odd_shape", drop=["State", "RequestId"], merge={"JobResult": [1]})
    body = query(GET, JobId=job_id)
    assert (body["JobResult"], body["JobId"]) == ([1], job_id)
    assert not {"State", "RequestId"} & set(body)


def test_a_rate_limit_throttles_requests_after_its_burst(emulator: ImsEmulator, send: SignedClient) -> None:
    emulator.fault(LIST, "qps", rate=0.001, burst=3)
    responses = [send(LIST) for _ in range(5)]
    assert [status for status, _ in responses] == [200, 200, 200, 400, 400]
    assert responses[-1][1]["Code"] == "Throttling.User"
    assert send("ListBatchMediaProducingJobs")[0] == 200


def test_a_rate_limit_accepts_requests_again_later(emulator: ImsEmulator, send: SignedClient) -> None:
    emulator.fault(LIST, "qps", rate=200, burst=1)
    passed = [send(LIST)[0] for _ in range(60)].count(200)
    assert passed > 1


def test_a_fault_affects_as_many_requests_as_its_count(emulator: ImsEmulator, send: SignedClient) -> None:
    emulator.fault("*", "server_error", count=2)
    assert [send(LIST)[0] for _ in range(3)] == [500, 500, 200]
    assert emulator.faults() == []


def test_a_fault_without_a_count_remains_until_cleared(emulator: ImsEmulator, send: SignedClient) -> None:
    emulator.fault(LIST, "unavailable", count=None)
    assert [send(LIST)[0] for _ in range(4)] == [503] * 4
    emulator.clear_faults()
    assert send(LIST)[0] == 200


def test_a_fault_affects_a_share_of_the_requests_which_depends_on_the_seed(
    emulator: ImsEmulator, send: SignedClient
) -> None:
    def affected() -> list[bool]:
        emulator.clear_faults()
        emulator.fault(LIST, "throttle", count=None, share=0.5, seed=7)
        return [send(LIST)[0] != 200 for _ in range(40)]

    first = affected()
    assert 10 < sum(first) < 30
    assert affected() == first


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_an_invalid_share_is_rejected(emulator: ImsEmulator, share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        emulator.fault(LIST, "throttle", share=share)


def test_faults_of_one_action_affect_one_request_each(emulator: ImsEmulator, send: SignedClient) -> None:
    emulator.fault(LIST, "server_error")
    emulator.fault("*", "throttle")
    assert [send(LIST)[0] for _ in range(3)] == [500, 400, 200]


def test_a_request_with_an_invalid_signature_does_not_consume_a_fault(
    emulator: ImsEmulator, send: SignedClient
) -> None:
    emulator.fault(LIST, "server_error")
    assert send(LIST, secret="wrong")[1]["Code"] == "SignatureDoesNotMatch"
    assert send(LIST)[0] == 500


@pytest.mark.parametrize(
    ("action", "kind", "count", "options", "message"),
    [
        ("SubmitNothing", "throttle", 1, {}, "unknown action 'SubmitNothing'"),
        (LIST, "explode", 1, {}, "unknown fault 'explode'"),
        (LIST, "fail_job", 1, {}, "affects only submit actions"),
        (LIST, "throttle", 0, {}, "count must be 1 or more"),
        (LIST, "throttle", 1, {"rate": 1}, "no option 'rate'; its options: code, status, message, retry_after$"),
        (LIST, "cut", 1, {"seconds": 1}, "no option 'seconds'; its options: none$"),
    ],
)
def test_an_invalid_fault_is_rejected(
    emulator: ImsEmulator, action: str, kind: str, count: int, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        emulator.fault(action, kind, count, **options)
    assert emulator.faults() == []


@pytest.mark.parametrize("kind", FAULT_KINDS)
def test_every_kind_of_fault_has_its_default_options(kind: str) -> None:
    faults = Faults()
    faults.add("smq:*" if kind == "redeliver" else "*", kind, 1, {})
    (shown,) = faults.describe()
    assert shown["options"] == {name: default for name, (default, _) in FAULT_KINDS[kind].options.items()}


def test_stopping_the_emulator_cuts_requests_that_hang() -> None:
    with ImsEmulator() as emulator:
        emulator.fault("*", "hang", seconds=None)
        send, failed = SignedClient.of(emulator), threading.Event()

        def hang() -> None:
            with pytest.raises(OSError):  # noqa: PT011 - the kernel resets or closes the connection
                send(LIST)
            failed.set()

        thread = threading.Thread(target=hang, daemon=True)
        thread.start()
        wait_until(lambda: emulator.requests(LIST) != [])
    thread.join(CEILING)
    assert failed.is_set()
