from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from alibabacloud_ice20201109 import models
from alibabacloud_tea_openapi.exceptions import ClientException, ServerException, ThrottlingException
from darabonba.exceptions import UnretryableException
from darabonba.runtime import RuntimeOptions

from airflow_provider_ims.emulator.faults import KINDS, Faults

TEXT, BATCH, IMAGE = "SubmitTextGenerateJob", "SubmitBatchMediaProducingJob", "SubmitAIImageJob"
GET, LIST = "GetSmartHandleJob", "ListSmartJobs"


@pytest.fixture(autouse=True)
def _no_fault_outlives_its_test(emulator):
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
def test_an_error_is_the_documented_exception_of_the_sdk(
    emulator, sdk, good_requests, kind, options, exception, status, code
):
    emulator.fault(TEXT, kind, **options)
    with pytest.raises(exception) as caught:
        sdk(TEXT, good_requests[TEXT])
    assert (caught.value.status_code, caught.value.code) == (status, code)
    assert caught.value.request_id == emulator.requests(TEXT)[0]["request_id"]
    assert emulator.jobs() == []


def test_the_wait_that_throttling_asks_for_comes_through(emulator, sdk):
    emulator.fault(LIST, "throttle", retry_after=1500)
    with pytest.raises(ThrottlingException) as caught:
        sdk(LIST)
    assert caught.value.retry_after == 1500


@pytest.mark.parametrize(("action", "ram"), [(TEXT, f"ice:{TEXT}"), (IMAGE, f"vod:{IMAGE}")])
def test_a_denial_names_the_action_to_grant(emulator, sdk, good_requests, action, ram):
    emulator.fault(action, "deny")
    with pytest.raises(ClientException) as caught:
        sdk(action, good_requests[action])
    assert caught.value.access_denied_detail["AuthAction"] == ram


def test_a_denial_can_come_without_its_detail(emulator, wire):
    emulator.fault(LIST, "deny", detail=False)
    assert "AccessDeniedDetail" not in wire(LIST)[1]


@pytest.mark.parametrize("options", [{}, {"status": 200}, {"status": 200, "body": "", "content_type": "text/plain"}])
def test_a_body_that_is_no_json_cannot_be_read(emulator, sdk, options):
    emulator.fault(LIST, "non_json", **options)
    with pytest.raises(UnretryableException):
        sdk(LIST)
    assert emulator.requests(LIST)[0]["status"] == options.get("status", 502)


def test_a_connection_cut_before_the_work_leaves_no_job(emulator, sdk, good_requests):
    emulator.fault(TEXT, "cut")
    with pytest.raises(UnretryableException):
        sdk(TEXT, good_requests[TEXT])
    assert emulator.jobs() == []
    assert [request["status"] for request in emulator.requests(TEXT)] == [None]


def test_a_connection_cut_after_the_work_leaves_a_job_that_nobody_knows_of(emulator, sdk, good_requests):
    emulator.fault(TEXT, "cut_after")
    with pytest.raises(UnretryableException):
        sdk(TEXT, good_requests[TEXT])
    (job,) = emulator.jobs(TEXT)
    (request,) = emulator.requests(TEXT)
    assert (request["job_id"], request["status"], request["faults"]) == (job["job_id"], None, ["cut_after"])
    assert sdk(GET, JobId=job["job_id"]).state == "Created"


@pytest.mark.parametrize(("kind", "jobs"), [("hang", 0), ("hang_after", 1)])
def test_a_client_that_gives_up_on_a_hanging_request_sees_a_timeout(emulator, ice, good_requests, kind, jobs):
    emulator.fault(TEXT, kind)
    request = models.SubmitTextGenerateJobRequest().from_map(good_requests[TEXT])
    with pytest.raises(UnretryableException, match="timed out"):
        ice.submit_text_generate_job_with_options(request, RuntimeOptions(read_timeout=50))
    assert len(emulator.jobs()) == jobs


def test_a_hanging_request_holds_no_other_and_goes_on_when_released(emulator, wire, good_requests):
    emulator.fault(TEXT, "hang", seconds=None)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(wire, TEXT, good_requests[TEXT])
        while not emulator.requests(TEXT):
            assert wire(LIST)[0] == 200
        assert emulator.requests(TEXT)[0]["status"] is None
        assert not hanging.done()
        emulator.release()
        assert hanging.result()[0] == 200
    assert [request["status"] for request in emulator.requests(TEXT)] == [200]
    assert len(emulator.jobs()) == 1


def test_a_hanging_request_goes_on_by_itself_after_its_seconds(emulator, wire):
    emulator.fault(LIST, "hang", seconds=0.01)
    assert wire(LIST)[0] == 200


def test_a_job_can_be_made_to_fail_when_its_time_is_over(emulator, submit, ask):
    emulator.fault(TEXT, "fail_job", code="ContentBad", message="not allowed")
    job_id, other = submit(TEXT), submit(TEXT)
    assert ask(GET, JobId=job_id)["State"] == "Created"
    emulator.advance(2)
    body = ask(GET, JobId=job_id)
    assert (body["State"], body["ErrorCode"], body["ErrorMessage"]) == ("Failed", "ContentBad", "not allowed")
    assert ask(GET, JobId=other)["State"] == "Finished"


def test_some_videos_of_the_next_batch_can_be_made_to_fail(emulator, submit, ask):
    emulator.fault(BATCH, "fail_job", videos=2)
    job_id = submit(BATCH)
    emulator.advance(10)
    job = ask("GetBatchMediaProducingJob", JobId=job_id)["EditingBatchJob"]
    assert job["Status"] == "Finished"
    assert [sub_job["Status"] for sub_job in job["SubJobList"]] == ["Failed", "Failed", "Success"]


def test_the_next_job_fails_whatever_is_asked_in_between(emulator, submit, wire):
    emulator.fault("*", "fail_job", videos=9)
    assert wire(LIST)[1]["SmartJobList"] == []
    for action in (TEXT, BATCH):
        submit(action)
    emulator.fault("*", "fail_job", videos=9)
    submit(BATCH)
    emulator.advance(10)
    text, good, bad = emulator.jobs()
    assert (text["state"], good["state"], bad["state"]) == ("Failed", "Finished", "Finished")
    assert {video["Status"] for video in bad["result"]} == {"Failed"}


@pytest.mark.parametrize("videos", [-1, 4])
def test_no_more_videos_fail_than_a_batch_has(emulator, submit, videos):
    with pytest.raises(ValueError, match="batch has 3"):
        emulator.fail_videos(submit(BATCH), videos)


def test_a_job_can_fail_and_its_answer_be_lost(emulator, sdk, good_requests):
    emulator.fault(TEXT, "cut_after")
    emulator.fault(TEXT, "fail_job")
    with pytest.raises(UnretryableException):
        sdk(TEXT, good_requests[TEXT])
    emulator.advance(2)
    assert emulator.jobs()[0]["state"] == "Failed"


@pytest.mark.parametrize(
    ("query", "submitted", "parameter", "path"),
    [
        (GET, TEXT, "JobId", ("State",)),
        ("GetBatchMediaProducingJob", BATCH, "JobId", ("EditingBatchJob", "Status")),
        ("GetAIImageJobs", IMAGE, "JobIds", ("AIImageJobList", 0, "Status")),
    ],
)
def test_an_answer_can_tell_an_unknown_state(emulator, submit, ask, query, submitted, parameter, path):
    job_id = submit(submitted)
    emulator.fault(query, "unknown_state", state="Suspending")

    def state():
        value = ask(query, **{parameter: job_id})
        for step in path:
            value = value[step]
        return value

    assert state() == "Suspending"
    assert state() != "Suspending"


def test_a_job_can_stay_in_an_unknown_state(emulator, submit, ask):
    emulator.fault(TEXT, "unknown_state", state="Paused")
    job_id = submit(TEXT)
    emulator.advance(100)
    body = ask(GET, JobId=job_id)
    assert body["State"] == "Paused"
    assert "JobResult" not in body
    emulator.set_state(job_id, None)
    assert ask(GET, JobId=job_id)["State"] == "Finished"


def test_an_answer_can_have_an_odd_shape(emulator, submit, ask):
    job_id = submit(TEXT)
    emulator.fault(GET, "odd_shape")
    assert ask(GET, JobId=job_id) == []
    emulator.fault(GET, "odd_shape", body="text")
    assert ask(GET, JobId=job_id) == "text"
    emulator.fault(GET, "odd_shape", drop=["State", "RequestId"], merge={"JobResult": [1]})
    body = ask(GET, JobId=job_id)
    assert (body["JobResult"], body["JobId"]) == ([1], job_id)
    assert not {"State", "RequestId"} & set(body)


def test_a_rate_limit_lets_its_burst_pass_and_throttles_the_rest(emulator, wire):
    emulator.fault(LIST, "qps", rate=0.001, burst=3)
    answers = [wire(LIST) for _ in range(5)]
    assert [status for status, _ in answers] == [200, 200, 200, 400, 400]
    assert answers[-1][1]["Code"] == "Throttling.User"
    assert wire("ListBatchMediaProducingJobs")[0] == 200


def test_a_rate_limit_lets_requests_pass_again_in_time(emulator, wire):
    emulator.fault(LIST, "qps", rate=200, burst=1)
    passed = [wire(LIST)[0] for _ in range(60)].count(200)
    assert passed > 1


def test_a_fault_meets_as_many_requests_as_it_was_told(emulator, wire):
    emulator.fault("*", "server_error", count=2)
    assert [wire(LIST)[0] for _ in range(3)] == [500, 500, 200]
    assert emulator.faults() == []


def test_a_fault_without_a_count_stays_until_cleared(emulator, wire):
    emulator.fault(LIST, "unavailable", count=None)
    assert [wire(LIST)[0] for _ in range(4)] == [503] * 4
    emulator.clear_faults()
    assert wire(LIST)[0] == 200


def test_a_fault_can_meet_a_share_of_the_requests_the_same_with_the_same_seed(emulator, wire):
    def met():
        emulator.clear_faults()
        emulator.fault(LIST, "throttle", count=None, share=0.5, seed=7)
        return [wire(LIST)[0] != 200 for _ in range(40)]

    first = met()
    assert 10 < sum(first) < 30
    assert met() == first


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_a_share_that_is_none_is_refused(emulator, share):
    with pytest.raises(ValueError, match="share"):
        emulator.fault(LIST, "throttle", share=share)


def test_faults_of_one_action_strike_one_after_the_other(emulator, wire):
    emulator.fault(LIST, "server_error")
    emulator.fault("*", "throttle")
    assert [wire(LIST)[0] for _ in range(3)] == [500, 400, 200]


def test_a_request_with_a_bad_signature_uses_up_no_fault(emulator, wire):
    emulator.fault(LIST, "server_error")
    assert wire(LIST, secret="wrong")[1]["Code"] == "SignatureDoesNotMatch"
    assert wire(LIST)[0] == 500


@pytest.mark.parametrize(
    ("action", "kind", "count", "options", "message"),
    [
        ("SubmitNothing", "throttle", 1, {}, "no action 'SubmitNothing'"),
        (LIST, "explode", 1, {}, "no fault 'explode'"),
        (LIST, "fail_job", 1, {}, "meets submits"),
        (LIST, "throttle", 0, {}, "cannot meet 0"),
        (LIST, "throttle", 1, {"rate": 1}, "no option 'rate'"),
    ],
)
def test_a_fault_that_does_not_exist_is_refused(emulator, action, kind, count, options, message):
    with pytest.raises(ValueError, match=message):
        emulator.fault(action, kind, count, **options)
    assert emulator.faults() == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_switched_on_with_its_defaults(kind):
    faults = Faults()
    faults.add("*", kind, 1, {})
    (shown,) = faults.describe()
    assert shown["options"] == dict(KINDS[kind].options)


def test_a_stop_cuts_what_hangs(wire_class):
    from airflow_provider_ims.emulator import ImsEmulator

    with ImsEmulator() as emulator:
        emulator.fault("*", "hang", seconds=None)
        wire, failed = wire_class(emulator), threading.Event()

        def hang():
            with pytest.raises(OSError):  # noqa: PT011 - reset or closed, as the kernel has it
                wire(LIST)
            failed.set()

        thread = threading.Thread(target=hang)
        thread.start()
        while not emulator.requests(LIST):
            pass
    thread.join()
    assert failed.is_set()
