"""The errors of the service and of jobs after which ``ImsRetryPolicy`` retries a task; requires Airflow 3.3."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from airflow.sdk import DAG, ExceptionRetryPolicy, RetryAction, RetryDecision
from airflow.serialization.serialized_objects import DagSerialization
from support.cases import BATCH, CASES, TEXT
from support.running import TaskRun, killed_in, run_task
from support.speech import AUDIO, speech

from airflow_provider_ims._submission import Submitter
from airflow_provider_ims._waiting import events
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import (
    ImsCredentialsError,
    ImsError,
    ImsJobNotFoundError,
    ImsJobTimeoutError,
    ImsRequestError,
    ImsUncertainSubmitError,
)
from airflow_provider_ims.hooks import _base as base
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.operators import base as operators
from airflow_provider_ims.operators.ims import (
    ImsApiOperator,
    ImsStartWorkflowOperator,
    ImsSubmitJobsOperator,
    ImsSubmitTextGenerateJobOperator,
)
from airflow_provider_ims.policies.retry import SUSPENDED_DELAY, ImsRetryPolicy
from airflow_provider_ims.sensors.ims import ImsSmartHandleJobSensor
from airflow_provider_ims.triggers import base as triggers

#: The response of an API gateway: an error without the service's error code.
GATEWAY = {"status": 403, "body": '{"message":"blocked"}', "content_type": "application/json"}

every_mode = pytest.mark.parametrize("deferrable", [True, False], ids=["deferred", "blocking"])


def decision(error: BaseException, policy: Any = None) -> RetryDecision:
    return (policy or ImsRetryPolicy()).evaluate(error, try_number=1, max_tries=3)  # type: ignore[no-any-return]


def failure(task: Any) -> ImsError:
    """Run a task that fails, and return its error."""
    with pytest.raises(ImsError) as caught:
        run_task(task)
    return caught.value


def decided(task: Any) -> RetryDecision:
    """Run a task that fails, and return the decision of its retry policy, which the worker would apply."""
    return decision(failure(task), task.retry_policy)


@pytest.mark.parametrize(
    ("fault", "action"),
    [
        ("deny", RetryAction.FAIL),
        ("not_subscribed", RetryAction.FAIL),
        ("suspended", RetryAction.RETRY),
        ("throttle", RetryAction.RETRY),
        ("server_error", RetryAction.RETRY),
        ("unavailable", RetryAction.RETRY),
        ("non_json", RetryAction.RETRY),
    ],
)
def test_the_decision_depends_on_the_response_of_the_service(
    fault: str, action: RetryAction, ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault("ListSmartJobs", fault, count=None)
    with pytest.raises(ImsError) as caught:
        ImsHook().call("ListSmartJobs", {}, attempts=1, throttle_timeout=0)
    assert decision(caught.value).action is action


@pytest.mark.parametrize("code", ["InvalidParameter", "InvalidParameter.Title", "MissingParameter", "ResourceNotFound"])
def test_a_request_that_the_service_rejects_fails_at_once(code: str, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(TEXT.submit, "error", status=400, code=code)
    assert decided(TEXT.task()).action is RetryAction.FAIL


def test_an_invalid_argument_fails_at_once(ims_emulator: ImsEmulator) -> None:
    assert decided(TEXT.task(title="x" * 129)).action is RetryAction.FAIL


def test_a_request_that_fails_because_of_overdue_payment_is_retried_after_an_hour(ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(TEXT.submit, "suspended")
    made = decided(TEXT.task())
    assert (made.action, made.retry_delay) == (RetryAction.RETRY, SUSPENDED_DELAY)
    assert timedelta(hours=1) == SUSPENDED_DELAY


@every_mode
@pytest.mark.parametrize(
    ("code", "action"),
    [
        # The examples of the API reference, and the codes of help page 197855.
        ("InvalidParameter", RetryAction.FAIL),
        ("InvalidParameter.ResourceContentBad", RetryAction.FAIL),
        ("InvalidMaterial.NotFound", RetryAction.FAIL),
        ("ResourceNotFound", RetryAction.FAIL),
        ("SpeechTranslationNoValidVocal", RetryAction.FAIL),
        # Transient and undocumented codes.
        ("InternalError", RetryAction.DEFAULT),
        ("ServiceUnAvailable", RetryAction.DEFAULT),
        ("InvalidParameters", RetryAction.DEFAULT),
        ("Unheard.Of", RetryAction.DEFAULT),
    ],
)
def test_the_decision_depends_on_the_code_of_a_failed_job(
    code: str, action: RetryAction, deferrable: bool, ims_emulator: ImsEmulator
) -> None:
    ims_emulator.fault(TEXT.submit, "fail_job", code=code, message="Unusable.")
    assert decided(TEXT.task(deferrable=deferrable)).action is action


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_for_a_failed_job_without_a_code_the_default_of_airflow_applies(case: Any, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(case.submit, "fail_job", code="", message="")
    assert decided(case.task()).action is RetryAction.DEFAULT


@every_mode
def test_a_sensor_does_not_retry_after_a_failed_job(deferrable: bool, ims_emulator: ImsEmulator) -> None:
    ims_emulator.fault(TEXT.submit, "fail_job", code="Unheard.Of", message="")
    job_id = run_task(TEXT.task(wait_for_completion=False))["job_id"]
    assert decided(TEXT.sensor_of(job_id, deferrable=deferrable)).action is RetryAction.FAIL


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        ImsError("x"),
        ImsCredentialsError("x"),
        ImsJobTimeoutError("x", job_id="j"),
        ImsJobNotFoundError("x", job_id="j"),
        ImsUncertainSubmitError("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_for_all_other_errors_the_default_of_airflow_applies(error: Exception) -> None:
    assert decision(error).action is RetryAction.DEFAULT


class TestManyJobs:
    """A retry submits only the failed jobs again."""

    @every_mode
    @pytest.mark.parametrize(
        ("permanent", "transient", "max_failures", "action"),
        [
            (1, 0, 0, RetryAction.FAIL),
            (1, 3, 0, RetryAction.FAIL),
            (0, 3, 0, RetryAction.DEFAULT),
            (2, 1, 2, RetryAction.DEFAULT),
            (3, 1, 2, RetryAction.FAIL),
        ],
    )
    def test_a_retry_that_would_leave_too_many_failed_jobs_is_not_made(
        self,
        permanent: int,
        transient: int,
        max_failures: int,
        action: RetryAction,
        deferrable: bool,
        ims_emulator: ImsEmulator,
    ) -> None:
        if permanent:
            ims_emulator.fault(AUDIO, "fail_job", count=permanent, code="InvalidParameter", message="Unusable.")
        if transient:
            ims_emulator.fault(AUDIO, "fail_job", count=transient, code="InternalError", message="Unusable.")
        task = speech(8, deferrable=deferrable, max_failures=max_failures)
        assert decided(task).action is action

    def test_a_rejected_request_counts_as_a_permanent_failure(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(AUDIO, "error", count=1, status=400, code="InvalidParameter")
        assert decided(speech(4)).action is RetryAction.FAIL

    def test_a_retry_that_the_policy_allows_succeeds(self, ims_emulator: ImsEmulator) -> None:
        ims_emulator.fault(AUDIO, "fail_job", code="InternalError", message="Unusable.")
        run = TaskRun(speech(4))
        with pytest.raises(ImsError):
            run.attempt()
        assert run.attempt()["succeeded"] == 4


class TestDefault:
    """The retry policy of a task whose user has set a policy, ``None`` or nothing."""

    OWN = ExceptionRetryPolicy(rules=[])

    def test_each_operator_and_sensor_has_the_default_policy(self) -> None:
        for case in CASES.values():
            assert case.task().retry_policy == ImsRetryPolicy()
            assert case.sensor_of("job").retry_policy == ImsRetryPolicy(retry_failed_jobs=False)
        assert speech(1).retry_policy == ImsRetryPolicy()
        assert ImsApiOperator(task_id="call", action="ListSmartJobs").retry_policy == ImsRetryPolicy()

    def test_the_policy_of_a_task_replaces_the_default_policy(self) -> None:
        assert TEXT.task(retry_policy=self.OWN).retry_policy is self.OWN
        assert TEXT.sensor_of("job", retry_policy=self.OWN).retry_policy is self.OWN
        assert TEXT.task(retry_policy=None).retry_policy is None

    @pytest.mark.parametrize("given", [OWN, None], ids=["a policy", "no policy"])
    def test_the_default_arguments_of_the_dag_replace_the_default_policy(self, given: Any) -> None:
        with DAG("dag", schedule=None, default_args={"retry_policy": given}):
            task, sensor = TEXT.task(), TEXT.sensor_of("job")
            mapped = ImsSmartHandleJobSensor.partial(task_id="mapped").expand(job_id=["a", "b"])
        assert task.retry_policy is sensor.retry_policy is mapped.retry_policy is given

    def test_none_as_the_policy_of_a_task_overrides_the_default_arguments(self) -> None:
        with DAG("dag", schedule=None, default_args={"retry_policy": self.OWN}):
            assert TEXT.task(retry_policy=None).retry_policy is None

    def test_mapped_tasks_have_the_default_policy(self) -> None:
        with DAG("dag", schedule=None):
            mapped = ImsSubmitTextGenerateJobOperator.partial(task_id="mapped", type="Title").expand(
                generate_config=[{"textLength": 10}]
            )
        assert mapped.retry_policy == ImsRetryPolicy()

    def test_a_dag_is_serialized_in_the_same_way_at_each_parse(self) -> None:
        """A difference would create a new version of the DAG at each parse."""

        def serialized() -> Any:
            with DAG("dag", schedule=None, default_args={"retry_policy": ImsRetryPolicy()}) as dag:
                TEXT.task()
                ImsSmartHandleJobSensor.partial(task_id="mapped").expand(job_id=["a", "b"])
                ImsSubmitJobsOperator.partial(task_id="many", job=AUDIO).expand(requests=[[{}], [{}]])
            return DagSerialization.to_dict(dag)

        first = serialized()
        assert first == serialized()
        assert str(first).count("'has_retry_policy': True") >= 3


def test_the_reason_for_a_permanent_error_contains_its_class() -> None:
    assert "ImsRequestError" in str(decision(ImsRequestError("x")).reason)


class TestAfterTheSubmit:
    """A billed job may be running, so a retry joins it or searches for it."""

    @pytest.fixture(autouse=True)
    def _no_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(base.time, "sleep", lambda _: None)
        monkeypatch.setattr(operators, "Submitter", partial(Submitter, sleep=lambda _: None))

    @pytest.fixture(params=["deny", "not_subscribed", "error", "non_json"])
    def reject(self, request: pytest.FixtureRequest, ims_emulator: ImsEmulator) -> Callable[..., None]:
        """Reject requests for an action with each error that is permanent for a submit request, and like a proxy."""
        more = {"error": {"code": "InvalidParameter", "status": 400}, "non_json": GATEWAY}
        return lambda action, count=1: ims_emulator.fault(
            action, request.param, count=count, **more.get(request.param, {})
        )

    @staticmethod
    def failed(run: TaskRun) -> ImsError:
        with pytest.raises(ImsError) as caught:
            run.attempt()
        assert decision(caught.value).action is RetryAction.DEFAULT
        return caught.value

    def test_a_rejected_query_of_the_job_to_join_is_retried(
        self, reject: Callable[..., None], ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = killed_in(monkeypatch, operators, "wait_for_job", TEXT.task(deferrable=False))
        reject(TEXT.query)
        self.failed(run)
        assert run.attempt()["state"] == TEXT.ended
        assert len(ims_emulator.requests(TEXT.submit)) == 1

    def test_a_rejected_search_for_a_lost_job_is_retried(
        self, reject: Callable[..., None], ims_emulator: ImsEmulator
    ) -> None:
        ims_emulator.fault("StartWorkflow", "cut_after")
        reject("ListWorkflowTasks")
        task = ImsStartWorkflowOperator(
            task_id="job", workflow_id="w", task_input={"Type": "Media", "Media": "m"}, poll_interval=0.05
        )
        run = TaskRun(task)
        error = self.failed(run)
        assert "an earlier submit request may have been accepted, and a retry searches for its job again" in str(error)
        run.attempt()
        assert len(ims_emulator.requests("StartWorkflow")) == 1

    @every_mode
    @pytest.mark.ims_emulator(durations={TEXT.submit: 1.0})
    def test_rejected_polls_are_retried(
        self, deferrable: bool, reject: Callable[..., None], ims_emulator: ImsEmulator
    ) -> None:
        reject(TEXT.query, count=5)
        run = TaskRun(TEXT.task(deferrable=deferrable))
        self.failed(run)
        assert run.attempt()["state"] == TEXT.ended
        assert len(ims_emulator.requests(TEXT.submit)) == 1

    def test_a_rejected_query_of_a_result_that_is_too_large_for_the_event_is_retried(
        self, reject: Callable[..., None], ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ended_event = triggers.ended_event

        def reject_next(*args: Any) -> Any:
            reject(TEXT.query)
            return ended_event(*args)

        monkeypatch.setattr(events, "MAX_EVENT_SIZE", 10)
        with monkeypatch.context() as patch:
            patch.setattr(triggers, "ended_event", reject_next)
            run = TaskRun(TEXT.task(deferrable=True))
            self.failed(run)
        assert run.attempt()["state"] == TEXT.ended

    def test_a_submit_request_that_is_rejected_after_a_server_error_is_retried(
        self, reject: Callable[..., None], ims_emulator: ImsEmulator
    ) -> None:
        """The service may have accepted the first submit request, and a retry finds its job by the ClientToken."""
        ims_emulator.fault(BATCH.submit, "server_error")
        reject(BATCH.submit)
        run = TaskRun(BATCH.task())
        self.failed(run)
        assert run.attempt()["state"] == BATCH.ended
        assert len(ims_emulator.jobs(BATCH.submit)) == 1

    def test_a_connection_that_becomes_invalid_during_the_wait_is_retried(
        self, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", json.dumps({"conn_type": "alibabacloud_ims"}))
        with pytest.raises(ImsError) as caught:
            ImsHook().reconnect()
        assert decision(caught.value).action is RetryAction.DEFAULT


def test_a_response_without_an_error_code_is_retried(ims_emulator: ImsEmulator) -> None:
    """A proxy or a gateway may have sent the response."""
    ims_emulator.fault(TEXT.submit, "non_json", count=None, **GATEWAY)
    assert decided(TEXT.task()).action is RetryAction.DEFAULT
