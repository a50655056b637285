"""``ImsApiOperator`` and ``VodApiOperator``: any action that does not submit a job."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from airflow.exceptions import AirflowNotFoundException
from support.compat import AirflowFailException, AirflowTaskTimeout
from support.running import Store, TaskLog, TaskRun, killed_in, run_task

from airflow_provider_ims._jobs.kinds import KINDS
from airflow_provider_ims._submission.write_record import WriteRecord
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsError, ImsPermissionError, ImsRequestError, ImsUnavailableError
from airflow_provider_ims.hooks import _base as base
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.operators import _api
from airflow_provider_ims.operators.ims import ImsApiOperator
from airflow_provider_ims.operators.vod import VodApiOperator

OPERATORS = {"ice": ImsApiOperator, "vod": VodApiOperator}
CALLBACK = {"CallbackType": "HTTP", "CallbackURL": "https://hooks.example.com/ims"}
#: An action that is not a read, with the parameter ClientToken.
CANCEL = ("CancelIProductionJob", {"JobId": "j"})
MEDIA = {"InputURL": "oss://bucket/in.mp4"}
#: Faults after which it is unknown whether the service processed the request.
LOST = ["cut_after", "server_error", "non_json"]


def call(action: str, parameters: Any = None, **more: Any) -> ImsApiOperator:
    return ImsApiOperator(task_id="call", action=action, parameters=parameters, **more)


def sent(emulator: ImsEmulator, action: str) -> list[dict[str, str]]:
    return [request["parameters"] for request in emulator.requests(action)]


def refused(task: Any, emulator: ImsEmulator) -> ImsRequestError:
    with pytest.raises(ImsRequestError) as caught:
        run_task(task)
    assert emulator.requests() == []
    return caught.value


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base.time, "sleep", lambda _: None)


# -- the request and the result


@pytest.mark.parametrize(
    ("operator", "prefix", "result"),
    [
        (ImsApiOperator, "Event", {"callback_type": "HTTP", "callback_url": CALLBACK["CallbackURL"]}),
        (
            VodApiOperator,
            "Message",
            {"message_callback": {"callback_type": "HTTP", "callback_url": CALLBACK["CallbackURL"]}},
        ),
    ],
)
def test_a_write_takes_effect_and_a_read_returns_it_in_snake_case(
    operator: type[Any], prefix: str, result: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    written = run_task(operator(task_id="set", action=f"Set{prefix}Callback", parameters=CALLBACK))
    found = run_task(operator(task_id="get", action=f"Get{prefix}Callback"))
    requests = ims_emulator.requests()
    assert written["request_id"] == requests[0]["request_id"]
    assert found.pop("request_id") == requests[1]["request_id"]
    shown = found.get("message_callback", found)
    assert {name: shown[name] for name in ("callback_type", "callback_url")} == result.get("message_callback", result)


def test_strings_in_the_response_are_returned_unchanged(ims_emulator: ImsEmulator) -> None:
    user_data = '{"OrderId":"7","Items":[1,2]}'
    ImsHook().call(
        "SubmitAudioProduceJob",
        {
            "EditingConfig": {"voice": "Siqi"},
            "OutputConfig": {"bucket": "b", "object": "o"},
            "InputConfig": "[1]",
            "UserData": user_data,
        },
    )
    (job,) = run_task(call("ListSmartJobs", {"MaxResults": 10}))["smart_job_list"]
    assert job["user_data"] == user_data
    assert job["job_state"]


def test_signed_urls_are_returned_with_their_signatures(ims_emulator: ImsEmulator) -> None:
    url = "https://bucket.oss-cn-shanghai.aliyuncs.com/a.mp4?Expires=1&Signature=s"
    ims_emulator.fault("GetEventCallback", "odd_shape", body={"PlayURL": url, "Empty": "", "Number": 2**70})
    assert run_task(call("GetEventCallback")) == {"play_url": url, "empty": "", "number": float(2**70)}


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"MaxResults": 7}, "7"),
        ({"MaxResults": "7"}, "7"),
        ({"MaxResults": "7.0"}, "7"),
        ({"JobType": "ASR"}, "ASR"),
        ({"JobType": 7}, "7"),
        ({"JobType": True}, "true"),
        ({"JobType": {"a": "新", "b": [True]}}, '{"a":"新","b":[true]}'),
        ({"JobType": ["a"]}, '["a"]'),
        ({"JobType": None}, None),
    ],
)
def test_values_are_sent_as_text(given: dict[str, Any], text: str | None, ims_emulator: ImsEmulator) -> None:
    run_task(call("ListSmartJobs", given))
    (parameters,) = sent(ims_emulator, "ListSmartJobs")
    assert parameters == ({next(iter(given)): text} if text is not None else {})


@pytest.mark.parametrize(
    ("action", "given", "expected"),
    [
        ("RegisterMediaInfo", {**MEDIA, "Overwrite": "True", "ClientToken": "t"}, {"Overwrite": "true"}),
        ("DeleteLiveRecordFiles", {"RecordIds": ["a", "b"]}, {"RecordIds.1": "a", "RecordIds.2": "b"}),
        ("DeleteLiveRecordFiles", {"RecordIds": '["a","b"]'}, {"RecordIds.1": "a", "RecordIds.2": "b"}),
        ("UpdateLiveTranscodeJob", {"JobId": "j", "TimedConfig": {"Hour": 1}}, {"TimedConfig": '{"Hour":1}'}),
        ("UpdateLiveTranscodeJob", {"JobId": "j", "TimedConfig": '{"Hour": 1}'}, {"TimedConfig": '{"Hour": 1}'}),
    ],
)
def test_each_type_of_parameter_is_sent_as_the_api_expects_it(
    action: str, given: dict[str, Any], expected: dict[str, str], ims_emulator: ImsEmulator
) -> None:
    # The emulator records the request even if it does not emulate the action or rejects the values.
    with contextlib.suppress(ImsError):
        run_task(call(action, given))
    (parameters,) = sent(ims_emulator, action)
    assert expected.items() <= parameters.items()


def test_templates_are_rendered_and_parameters_are_shown_as_json() -> None:
    task = call("{{ action }}", {"JobType": "{{ kind }}"}, ims_conn_id="{{ conn }}", region_id="{{ region }}")
    task.render_template_fields({"action": "ListSmartJobs", "kind": "ASR", "conn": "c", "region": "cn-beijing"})
    assert (task.action, task.parameters, task.ims_conn_id, task.region_id) == (
        "ListSmartJobs",
        {"JobType": "ASR"},
        "c",
        "cn-beijing",
    )
    assert task.template_fields_renderers == {"parameters": "json"}


def test_the_region_of_the_task_is_used(ims_emulator: ImsEmulator) -> None:
    run_task(call("SetEventCallback", CALLBACK, region_id="cn-beijing"))
    assert "callback_url" not in run_task(call("GetEventCallback"))
    assert "callback_url" in run_task(call("GetEventCallback", region_id="cn-beijing"))


def test_the_log_contains_the_action_and_the_request_id(ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
    result = run_task(call("ListSmartJobs"))
    assert f"ListSmartJobs succeeded (request id {result['request_id']})" in task_log.lines("info")


# -- requests that are rejected before they are sent


@pytest.mark.parametrize(
    ("operator", "action", "problem"),
    [
        (ImsApiOperator, "ListSmartJob", r"^action: unknown action 'ListSmartJob' of ice\. Did you mean ListSmartJobs"),
        (VodApiOperator, "GetVideoInf", r"Did you mean GetVideoInfos?, "),
        (ImsApiOperator, "GetVideoInfos", r"^action: GetVideoInfos is an action of vod, not of ice"),
        (ImsApiOperator, 7, r"^action: unknown action '7' of ice"),
        (ImsApiOperator, None, r"^action: unknown action 'None' of ice"),
    ],
)
def test_the_error_for_an_unknown_action_suggests_similar_names(
    operator: type[Any], action: Any, problem: str, ims_emulator: ImsEmulator
) -> None:
    error = refused(operator(task_id="call", action=action), ims_emulator)
    assert error.field == "action"
    with pytest.raises(ImsRequestError, match=problem):
        raise error


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.submit_action)
def test_the_error_for_an_action_that_submits_a_job_names_the_operator_to_use(
    kind: Any, ims_emulator: ImsEmulator
) -> None:
    product = kind.family.product.code
    error = refused(OPERATORS[product](task_id="call", action=kind.submit_action), ims_emulator)
    assert error.field == "action"
    operator = {"ice": "ImsSubmitJobOperator", "vod": "VodSubmitJobOperator"}[product]
    assert f"Use {operator}(job='{kind.submit_action}')" in error.message


@pytest.mark.parametrize(
    ("action", "parameters", "field", "problem"),
    [
        ("ListSmartJobs", {"MaxResult": 7}, "parameters.MaxResult", "unknown parameter 'MaxResult' of ListSmartJobs"),
        ("ListSmartJobs", {"MaxResult": 7}, "parameters.MaxResult", "Did you mean MaxResults"),
        ("GetEventCallback", {"x": 7}, "parameters.x", "Known parameters: none"),
        ("ListSmartJobs", {"MaxResults": "many"}, "parameters.MaxResults", "'many' is not an integer"),
        ("ListSmartJobs", {"MaxResults": [7]}, "parameters.MaxResults", "[7] is not an integer"),
        ("ListSmartJobs", {"JobType": {1, 2}}, "parameters.JobType", "must be a string, not set"),
        (
            "ListSmartJobs",
            {"JobType": "None"},
            "parameters.JobType",
            "is what a template renders if a value is missing",
        ),
        ("RegisterMediaInfo", {**MEDIA, "Overwrite": "maybe"}, "parameters.Overwrite", "neither true nor false"),
        ("AddCategory", {"CateName": " "}, "parameters.CateName", "parameters.CateName is required"),
        ("AddCategory", {}, "parameters.CateName", "parameters.CateName is required"),
        ("AddCategory", None, "parameters.CateName", "parameters.CateName is required"),
        ("UpdateLiveTranscodeJob", {"JobId": "j", "TimedConfig": [1]}, "parameters.TimedConfig", "of JSON type object"),
        ("UpdateLiveTranscodeJob", {"JobId": "j", "TimedConfig": "{"}, "parameters.TimedConfig", "is not valid JSON"),
        ("DeleteLiveRecordFiles", {"RecordIds": {"a": 1}}, "parameters.RecordIds", "of JSON type array"),
        ("ListSmartJobs", "{}", "parameters", "must be a dict"),
        ("ListSmartJobs", {7: "a"}, "parameters", "must be a dict"),
    ],
)
def test_the_error_for_an_invalid_parameter_contains_its_name(
    action: str, parameters: Any, field: str, problem: str, ims_emulator: ImsEmulator
) -> None:
    error = refused(call(action, parameters), ims_emulator)
    assert error.field == field
    assert problem in error.message


def test_a_region_that_is_not_a_string_is_rejected(ims_emulator: ImsEmulator) -> None:
    assert refused(call("ListSmartJobs", region_id=7), ims_emulator).field == "region_id"


# -- lost responses


@pytest.mark.parametrize("fault", [*LOST, "throttle", "cut"])
def test_a_read_is_retried(fault: str, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("ListSmartJobs", fault, count=2)
    assert run_task(call("ListSmartJobs"))["smart_job_list"] == []
    assert len(sent(ims_emulator, "ListSmartJobs")) == 3


@pytest.mark.parametrize("fault", LOST)
def test_a_write_without_a_response_is_sent_once_and_fails_without_a_retry(
    fault: str, ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault("SetEventCallback", fault)
    with pytest.raises(AirflowFailException) as caught:
        run_task(call("SetEventCallback", CALLBACK))
    assert isinstance(caught.value.__cause__, ImsUnavailableError)
    assert "the action may have taken effect, and sending it again may repeat the effect" in str(caught.value)
    assert "action SetEventCallback" in str(caught.value)
    (request,) = ims_emulator.requests("SetEventCallback")
    assert (f"request id {request['request_id']}" in str(caught.value)) is (fault == "server_error")


def test_a_throttled_write_is_repeated_because_it_had_no_effect(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SetEventCallback", "throttle", count=2)
    run_task(call("SetEventCallback", CALLBACK))
    assert len(sent(ims_emulator, "SetEventCallback")) == 3


def test_a_write_that_the_service_rejects_raises_the_services_error(ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError, match="CallbackURL"):
        run_task(call("SetEventCallback", {"CallbackType": "HTTP"}))


def test_a_write_that_was_not_sent_raises_an_unavailable_error(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    ims_emulator.stop()
    with pytest.raises(ImsUnavailableError, match="could not be reached") as caught:
        run_task(call("SetEventCallback", CALLBACK))
    assert "taken effect" not in str(caught.value)


def test_a_retry_does_not_repeat_a_write_whose_response_was_lost_but_a_clear_does(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SetEventCallback", "cut_after")
    run = TaskRun(call("SetEventCallback", CALLBACK))
    for expected in (
        "did not respond",
        "^An earlier try sent the request at 20.* and received no response; the action",
    ):
        with pytest.raises(AirflowFailException, match=expected):
            run.attempt()
    assert len(sent(ims_emulator, "SetEventCallback")) == 1
    run.clear()
    run.attempt()
    assert len(sent(ims_emulator, "SetEventCallback")) == 2


def test_a_retry_repeats_a_write_that_the_service_rejected(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("SetEventCallback", "deny")
    run = TaskRun(call("SetEventCallback", CALLBACK))
    with pytest.raises(ImsPermissionError):
        run.attempt()
    assert run.attempt()["request_id"]


def test_a_retry_does_not_repeat_a_write_during_which_the_worker_died(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = killed_in(monkeypatch, WriteRecord, "succeed", call("SetEventCallback", CALLBACK))
    with pytest.raises(AirflowFailException, match="the action may have taken effect"):
        run.attempt()
    assert len(sent(ims_emulator, "SetEventCallback")) == 1


def test_without_a_store_a_retry_repeats_a_write(ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    run = killed_in(monkeypatch, _api, "normalize", call("SetEventCallback", CALLBACK), store=False)
    assert run.attempt()["request_id"]


def test_a_retry_repeats_a_write_that_was_not_sent_because_the_connection_was_missing(
    ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = TaskRun(call("SetEventCallback", CALLBACK))
    with monkeypatch.context() as patch:
        patch.delenv("AIRFLOW_CONN_IMS_DEFAULT")
        with pytest.raises(AirflowNotFoundException):
            run.attempt()
    assert run.attempt()["request_id"]


def test_nothing_is_sent_if_the_record_cannot_be_written(ims_emulator: ImsEmulator) -> None:
    class Unavailable(Store):
        def set(self, key: str, value: Any) -> None:
            raise ConnectionError("no API server")

    with pytest.raises(ConnectionError):
        TaskRun(call("SetEventCallback", CALLBACK), store=Unavailable()).attempt()
    assert ims_emulator.requests() == []


def test_a_failure_to_update_the_record_does_not_hide_the_services_error(
    ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    class FailsAfterOneWrite(Store):
        def set(self, key: str, value: Any) -> None:
            if self:
                raise ConnectionError("no API server")
            super().set(key, value)

    ims_emulator.fault("SetEventCallback", "deny")
    with pytest.raises(ImsPermissionError):
        TaskRun(call("SetEventCallback", CALLBACK), store=FailsAfterOneWrite()).attempt()
    assert "The record of the action could not be updated: no API server" in task_log.lines("warning")


# -- the ClientToken


def tokens_of(run: TaskRun, emulator: ImsEmulator, tries: int) -> list[str]:
    """Run tries whose responses are lost, and return the ClientTokens that they sent."""
    action = run.task.action
    before = len(sent(emulator, action))
    emulator.fault(action, "server_error", count=tries)
    for _ in range(tries):
        with pytest.raises(ImsUnavailableError, match="a retry sends the same ClientToken"):
            run.attempt()
    return [parameters["ClientToken"] for parameters in sent(emulator, action)[before:]]


@pytest.mark.parametrize("stored", [True, False], ids=["with a store", "without a store"])
def test_a_retry_sends_the_same_client_token_and_a_clear_another(stored: bool, ims_emulator: ImsEmulator) -> None:
    run = TaskRun(call(*CANCEL)) if stored else TaskRun(call(*CANCEL), store=None)
    first = tokens_of(run, ims_emulator, 2)
    run.clear()
    second = tokens_of(run, ims_emulator, 2)
    assert first[0] == first[1] != second[0] == second[1]
    # The documentation of RegisterMediaInfo specifies a token of 32 characters.
    assert {len(token) for token in first + second} == {32}


def test_each_task_run_has_its_own_client_token(ims_emulator: ImsEmulator) -> None:
    runs = [
        TaskRun(call(*CANCEL), store=None, run_id="other"),
        TaskRun(call(*CANCEL), store=None, map_index=1),
        TaskRun(call(*CANCEL), store=None),
        # A store distinguishes a DAG run that was deleted and created again.
        TaskRun(call(*CANCEL)),
        TaskRun(call(*CANCEL)),
    ]
    tokens = [token for run in runs for token in tokens_of(run, ims_emulator, 1)]
    assert len(set(tokens)) == len(runs)


def test_without_a_task_instance_each_call_has_its_own_client_token(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("CancelIProductionJob", "server_error", count=2)
    for _ in range(2):
        with pytest.raises(ImsUnavailableError):
            call(*CANCEL).execute({})
    first, second = (parameters["ClientToken"] for parameters in sent(ims_emulator, "CancelIProductionJob"))
    assert first != second


def test_the_users_own_client_token_is_sent(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("CancelIProductionJob", "server_error")
    with pytest.raises(ImsUnavailableError, match="a retry sends the same ClientToken"):
        run_task(call("CancelIProductionJob", {"JobId": "j", "ClientToken": "mine"}))
    assert sent(ims_emulator, "CancelIProductionJob")[0]["ClientToken"] == "mine"


def test_a_read_has_no_client_token(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault("QueryIProductionJob", "error", code="InvalidParameter", status=400)
    with pytest.raises(ImsRequestError):
        run_task(call("QueryIProductionJob", {"JobId": "j"}))
    assert sent(ims_emulator, "QueryIProductionJob") == [{"JobId": "j"}]


def test_a_retry_sends_the_users_token_of_the_lost_request_again(ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
    """A template may render another token in each try."""
    run = TaskRun(None)

    def attempt(number: int) -> None:
        run.task = call("CancelIProductionJob", {"JobId": "j", "ClientToken": f"t-{number}"})
        ims_emulator.fault("CancelIProductionJob", "server_error")
        with pytest.raises(ImsUnavailableError, match="a retry sends the same ClientToken"):
            run.attempt()

    attempt(1)
    attempt(2)
    run.clear()
    attempt(3)
    assert [one["ClientToken"] for one in sent(ims_emulator, "CancelIProductionJob")] == ["t-1", "t-1", "t-3"]
    assert task_log.lines("warning").count("Sending the ClientToken t-1 of an earlier try again, instead of t-2") == 1


def test_a_rejected_token_is_not_sent_again(ims_emulator: ImsEmulator) -> None:
    run = TaskRun(None)
    ims_emulator.fault("CancelIProductionJob", "deny", count=2)
    for number in (1, 2):
        run.task = call("CancelIProductionJob", {"JobId": "j", "ClientToken": f"t-{number}"})
        with pytest.raises(ImsPermissionError):
            run.attempt()
    assert [one["ClientToken"] for one in sent(ims_emulator, "CancelIProductionJob")] == ["t-1", "t-2"]


# -- failures other than the response


def test_a_retry_after_a_response_fails_without_repeating_the_action(ims_emulator: ImsEmulator) -> None:
    """The task fails after the action, for example while Airflow stores its result."""
    run = TaskRun(call("SetEventCallback", CALLBACK))
    run.attempt()
    with pytest.raises(AirflowFailException, match=r"received a response, but .* Clear the task to repeat the action"):
        run.attempt()
    assert len(sent(ims_emulator, "SetEventCallback")) == 1
    run.clear()
    run.attempt()
    assert len(sent(ims_emulator, "SetEventCallback")) == 2


@pytest.mark.parametrize("stored", [True, False], ids=["with a store", "without a store"])
def test_a_task_timeout_during_a_write_is_retried_only_with_a_client_token(
    stored: bool, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = base.AlibabaCloudMediaHook.call

    def time_out(*args: Any, **kwargs: Any) -> None:
        send(*args, **kwargs)
        raise AirflowTaskTimeout

    monkeypatch.setattr(base.AlibabaCloudMediaHook, "call", time_out)
    store = Store() if stored else None
    with pytest.raises(AirflowFailException, match="the action may have taken effect"):
        TaskRun(call("SetEventCallback", CALLBACK), store=store).attempt()
    with pytest.raises(AirflowTaskTimeout):
        TaskRun(call("RegisterMediaInfo", MEDIA), store=store).attempt()
