from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from support.cases import AUDIO, BATCH, CASES, TEXT, Case
from support.dags import DagRunner
from support.running import KilledError, Store, TaskLog, TaskRun, Ti
from support.submits import SUBMITS

from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.kinds import KINDS
from airflow_provider_ims._submission import EarlierJobs, Submitter
from airflow_provider_ims._submission.reuse import MAX_QUERIES, XCOM_KEY
from airflow_provider_ims._tasks import JobTask
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.model import key_of
from airflow_provider_ims.exceptions import ImsJobFailedError, ImsPermissionError, ImsRequestError
from airflow_provider_ims.operators import base as operators
from airflow_provider_ims.operators.ims import ImsSubmitJobOperator, ImsSubmitJobsOperator
from airflow_provider_ims.operators.vod import VodSubmitJobOperator

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)
#: With the task state store of Airflow 3.3, and without it.
every_version = pytest.mark.parametrize("stored", [True, False], ids=["3.3", "3.1"])
all_end = pytest.mark.ims_emulator(
    list_text_jobs=True, durations={key_of(kind.submit_action, kind.family.product.version): 0 for kind in KINDS}
)


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operators, "Submitter", partial(Submitter, sleep=lambda _: None))


class Dag:
    """The runs of one task, in order."""

    def __init__(self, *, stored: bool = True) -> None:
        self.stored = stored
        self.runs: list[TaskRun] = []

    def new_run(self, task: Any, **options: Any) -> TaskRun:
        store = Store() if self.stored else None
        run = TaskRun(task, store=store, run_id=f"run_{len(self.runs)}", earlier=list(self.runs), **options)
        self.runs.append(run)
        return run

    def run(self, task: Any, **options: Any) -> Any:
        return self.new_run(task, **options).attempt()


def reusing(case: Case, **overrides: Any) -> Any:
    return case.task(**{"reuse": "inputs", **overrides})


def kind_id(kind: JobKind) -> str:
    return f"{kind.family.product.code}:{kind.submit_action}"


@all_end
@every_version
@pytest.mark.parametrize("deferrable", [True, False])
@every_case
def test_a_second_run_with_the_same_inputs_submits_no_job_and_returns_the_same_result(
    case: Case, deferrable: bool, stored: bool, ims_emulator: ImsEmulator, task_log: TaskLog
) -> None:
    dag = Dag(stored=stored)
    before = time.time()
    first = dag.run(reusing(case, deferrable=deferrable))
    assert "Submitting a new job, because no earlier run stored a job" in task_log.lines("info")
    assert dag.run(reusing(case, deferrable=deferrable)) == first
    assert len(ims_emulator.requests(case.submit)) == 1
    (reused,) = [line for line in task_log.lines("info") if line.startswith("Reusing")]
    year = time.strftime("%Y", time.gmtime(before))
    assert reused.startswith(f"Reusing job {first['job_id']} (submitted at {year}-")
    assert reused.endswith(" by run run_0) with the same inputs: no job is submitted")


@pytest.mark.parametrize("project", [{"ProjectId": "p" * 32}, {"Timeline": {"VideoTracks": []}}], ids=["id", "new"])
def test_a_kind_whose_job_id_does_not_identify_the_job_is_not_reused(
    project: dict[str, Any], ims_emulator: ImsEmulator
) -> None:
    """Another job of the same project has the same id."""
    task: Any = VodSubmitJobOperator(
        task_id="job", job="ProduceEditingProjectVideo", parameters=project, reuse="inputs"
    )
    with pytest.raises(ImsRequestError, match="reuse: 'inputs' is not available for ProduceEditingProjectVideo") as no:
        Dag().run(task)
    assert no.value.field == "reuse"
    assert ims_emulator.requests() == []


@all_end
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.reusable], ids=kind_id)
def test_the_job_of_each_kind_is_reused(kind: JobKind, ims_emulator: ImsEmulator) -> None:
    code = kind.family.product.code
    operator = {"ice": ImsSubmitJobOperator, "vod": VodSubmitJobOperator}[code]
    parameters = SUBMITS[code, kind.submit_action]
    task: Any = operator(
        task_id="job", job=kind.submit_action, parameters=parameters, poll_interval=0.05, reuse="inputs"
    )
    dag = Dag()
    assert dag.run(task) == dag.run(task)
    assert len(ims_emulator.jobs()) == 1


class TestOtherInputs:
    def test_a_job_is_submitted_and_the_log_lists_the_inputs_that_differ_without_their_values(
        self, ims_emulator: ImsEmulator, task_log: TaskLog
    ) -> None:
        dag = Dag()
        first = dag.run(reusing(TEXT, title="secret-1"))
        second = dag.run(reusing(TEXT, type="Title", title="secret-2", description="new"))
        assert second["job_id"] != first["job_id"]
        assert len(ims_emulator.jobs()) == 2
        (line,) = [line for line in task_log.lines("info") if "had other inputs" in line]
        assert line.startswith(f"Submitting a new job, because job {first['job_id']} (submitted at ")
        assert line.endswith(" by run run_0) had other inputs: Description, Title, Type")
        assert not any("secret" in line for line in task_log.lines() if "->" not in line)  # the emulator's own log
        assert "secret" not in str([run.xcoms[XCOM_KEY] for run in dag.runs])

    def test_a_region_and_a_connection_are_inputs(
        self, ims_emulator: ImsEmulator, task_log: TaskLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("AIRFLOW_CONN_OTHER", ims_emulator.connection_uri)
        dag = Dag()
        dag.run(reusing(TEXT))
        dag.run(reusing(TEXT, ims_conn_id="other"))
        dag.run(reusing(TEXT, region_id="cn-beijing"))
        assert len(ims_emulator.jobs()) == 3
        differences = [line.partition("inputs: ")[2] for line in task_log.lines("info") if "other inputs" in line]
        assert differences == ["ims_conn_id", "ims_conn_id, region_id"]

    def test_inputs_that_were_used_before_the_last_run_are_found(self, ims_emulator: ImsEmulator) -> None:
        dag = Dag()
        first = dag.run(reusing(TEXT))
        dag.run(reusing(TEXT, type="Title"))
        assert dag.run(reusing(TEXT)) == first

    def test_a_mapped_task_finds_the_job_of_another_map_index(self, ims_emulator: ImsEmulator) -> None:
        dag = Dag()
        jobs = [dag.run(reusing(TEXT, title=title), map_index=index)["job_id"] for index, title in enumerate("ab")]
        again = [dag.run(reusing(TEXT, title=title), map_index=index)["job_id"] for index, title in enumerate("ba")]
        assert again == jobs[::-1]


class TestJobsThatAreNotReused:
    def assert_submits(self, dag: Dag, task: Any, log: TaskLog, reason: str) -> None:
        known = {run.xcoms[XCOM_KEY]["job_id"] for run in dag.runs}
        assert dag.run(task)["job_id"] not in known
        assert any(line.startswith("Submitting a new job") and reason in line for line in log.lines("info"))

    def test_a_failed_job_is_not_reused(self, ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
        dag = Dag()
        ims_emulator.fault(TEXT.submit, "fail_job")
        with pytest.raises(ImsJobFailedError):
            dag.run(reusing(TEXT))
        self.assert_submits(dag, reusing(TEXT), task_log, "has the same inputs, but failed")

    def test_a_job_with_failed_parts_is_reused_only_if_the_task_accepts_them(
        self, ims_emulator: ImsEmulator, task_log: TaskLog
    ) -> None:
        dag = Dag()
        ims_emulator.fault(BATCH.submit, "fail_job", videos=1)
        first = dag.run(reusing(BATCH))
        assert len(first["failed"]) == 1
        assert dag.run(reusing(BATCH)) == first
        task = reusing(BATCH, fail_on_partial_failure=True)
        self.assert_submits(dag, task, task_log, "has the same inputs, but has failed parts")

    @pytest.mark.ims_emulator(clock="manual", durations={TEXT.submit: 60})
    def test_a_running_job_is_not_reused(self, ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
        dag = Dag()
        dag.run(reusing(TEXT, wait_for_completion=False))
        self.assert_submits(
            dag, reusing(TEXT, wait_for_completion=False), task_log, "has the same inputs, but is still Created"
        )

    @pytest.mark.parametrize("code", ["ResourceNotFound", "InvalidParameter"])
    def test_a_job_that_the_service_does_not_find_is_not_reused(
        self, code: str, ims_emulator: ImsEmulator, task_log: TaskLog
    ) -> None:
        dag = Dag()
        dag.run(reusing(TEXT))
        ims_emulator.fault(TEXT.query, "error", code=code, status=404)
        self.assert_submits(dag, reusing(TEXT), task_log, "has the same inputs, but is unknown to the service")

    def test_a_job_that_is_older_than_reuse_within_is_not_reused(
        self, ims_emulator: ImsEmulator, task_log: TaskLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dag = Dag()
        first = dag.run(reusing(TEXT))
        day = timedelta(days=1)
        monkeypatch.setattr(operators, "EarlierJobs", partial(EarlierJobs, now=lambda: time.time() + 86_300))
        assert dag.run(reusing(TEXT, reuse_within=day)) == first
        # The age is counted from the submission, not from the last reuse.
        monkeypatch.setattr(operators, "EarlierJobs", partial(EarlierJobs, now=lambda: time.time() + 86_500))
        self.assert_submits(dag, reusing(TEXT, reuse_within=day), task_log, "is older than reuse_within (86,400 s)")

    def test_a_job_of_a_run_without_reuse_is_not_reused(self, ims_emulator: ImsEmulator) -> None:
        dag = Dag()
        dag.run(TEXT.task())
        assert not any(key.startswith(XCOM_KEY) for key in dag.runs[0].xcoms)
        dag.run(reusing(TEXT))
        assert len(ims_emulator.jobs()) == 2

    def test_an_older_job_is_reused_if_a_newer_job_failed(self, ims_emulator: ImsEmulator) -> None:
        dag = Dag()
        first = dag.run(reusing(TEXT))
        ims_emulator.fault(TEXT.query, "error", code="ResourceNotFound", status=404)
        ims_emulator.fault(TEXT.submit, "fail_job")
        with pytest.raises(ImsJobFailedError):
            dag.run(reusing(TEXT))
        assert dag.run(reusing(TEXT)) == first

    def test_only_the_newest_jobs_are_queried(self, ims_emulator: ImsEmulator) -> None:
        dag = Dag()
        ims_emulator.fault(TEXT.submit, "fail_job", count=MAX_QUERIES + 2)
        for _ in range(MAX_QUERIES + 2):
            with pytest.raises(ImsJobFailedError):
                dag.run(reusing(TEXT))
        queries = len(ims_emulator.requests(TEXT.query))
        dag.run(reusing(TEXT, wait_for_completion=False))
        assert len(ims_emulator.requests(TEXT.query)) == queries + MAX_QUERIES

    @pytest.mark.parametrize("stored", ["text", {"job_id": "1"}, {"other": 1}, 5, None])
    def test_a_job_in_an_xcom_of_another_format_is_not_reused(self, stored: Any, ims_emulator: ImsEmulator) -> None:
        dag = Dag()
        dag.run(reusing(TEXT))
        dag.runs[0].xcoms.update(dict.fromkeys(dag.runs[0].xcoms, stored))
        dag.run(reusing(TEXT))
        assert len(ims_emulator.jobs()) == 2


def test_nothing_is_submitted_if_the_query_for_the_earlier_job_fails(ims_emulator: ImsEmulator) -> None:
    dag = Dag()
    first = dag.run(reusing(TEXT))
    run = dag.new_run(reusing(TEXT))
    ims_emulator.fault(TEXT.query, "deny")
    with pytest.raises(ImsPermissionError):
        run.attempt()
    assert run.attempt() == first
    assert len(ims_emulator.jobs()) == 1


def test_errors_of_xcoms_prevent_only_the_reuse(
    ims_emulator: ImsEmulator, task_log: TaskLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("no database")

    monkeypatch.setattr(Ti, "xcom_pull", fail)
    push = Ti.xcom_push
    monkeypatch.setattr(Ti, "xcom_push", lambda ti, key, value: fail() if XCOM_KEY in key else push(ti, key, value))
    assert Dag().run(reusing(TEXT))["state"] == "Finished"
    warnings = "".join(task_log.lines("warning"))
    assert "The jobs of earlier runs could not be read: no database" in warnings
    assert "so later runs cannot reuse it: no database" in warnings


@all_end
@every_case
def test_a_job_whose_response_was_lost_is_reused(case: Case, ims_emulator: ImsEmulator) -> None:
    dag = Dag()
    ims_emulator.fault(case.submit, "cut_after")
    first = dag.run(reusing(case))
    assert dag.run(reusing(case)) == first
    assert len(ims_emulator.jobs()) == 1


def test_without_waiting_the_finished_job_is_returned(ims_emulator: ImsEmulator) -> None:
    dag = Dag()
    first = dag.run(reusing(TEXT))
    assert dag.run(reusing(TEXT, wait_for_completion=False)) == {"job_id": first["job_id"], "state": "Finished"}


def killed_in(run: TaskRun, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a try whose process ends when it calls a method of the task."""

    def die(*_: Any, **__: Any) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(JobTask, method, die)
        with pytest.raises(KilledError):
            run.attempt()


class TestRetries:
    def test_a_retry_prefers_the_job_of_its_own_run(
        self, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dag = Dag()
        dag.run(TEXT.task())
        run = dag.new_run(reusing(TEXT, deferrable=True))
        killed_in(run, "ended_jobs", monkeypatch)
        own = ims_emulator.jobs()[-1]["job_id"]
        # In the meantime, another run submits a job with the same inputs.
        other = Dag()
        other.run(reusing(TEXT))
        run.earlier = other.runs
        assert run.attempt()["job_id"] == own

    @every_version
    def test_a_retry_of_a_run_that_reused_a_job_returns_the_same_job(
        self, stored: bool, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dag = Dag(stored=stored)
        first = dag.run(reusing(TEXT))
        run = dag.new_run(reusing(TEXT))
        killed_in(run, "complete", monkeypatch)
        assert run.attempt() == first
        assert run.xcoms[XCOM_KEY]["run_id"] == "run_0"
        assert dag.run(reusing(TEXT)) == first
        assert len(ims_emulator.jobs()) == 1

    def test_a_retry_that_joins_the_job_of_other_parameters_does_not_store_it(
        self, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dag = Dag()
        run = dag.new_run(reusing(TEXT, deferrable=True))
        killed_in(run, "ended_jobs", monkeypatch)
        run.task = reusing(TEXT, deferrable=True, type="Title")
        joined = run.attempt()
        assert not any(key.startswith(XCOM_KEY) for key in run.xcoms)
        assert dag.run(reusing(TEXT, type="Title"))["job_id"] != joined["job_id"]

    @all_end
    def test_without_a_task_state_store_a_job_that_a_search_found_is_not_stored(
        self, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # The parameters of the job are not recorded, and may differ.
        dag = Dag(stored=False)
        run = dag.new_run(reusing(AUDIO, deferrable=True))
        killed_in(run, "ended_jobs", monkeypatch)
        run.attempt()
        assert len(ims_emulator.jobs()) == 1
        assert not any(key.startswith(XCOM_KEY) for key in run.xcoms)


class TestClear:
    def test_the_job_of_the_run_is_reused_although_its_result_was_collected(
        self, ims_emulator: ImsEmulator, task_log: TaskLog
    ) -> None:
        run = Dag().new_run(reusing(TEXT))
        first = run.attempt()
        run.clear()
        assert run.attempt() == first
        line = f"The task was cleared: joining job {first['job_id']}, because it has the same inputs"
        assert line in task_log.lines("info")

    def test_with_other_parameters_a_job_is_submitted(self, ims_emulator: ImsEmulator, task_log: TaskLog) -> None:
        run = Dag().new_run(reusing(TEXT))
        first = run.attempt()
        run.task = reusing(TEXT, type="Title")
        run.clear()
        assert run.attempt()["job_id"] != first["job_id"]
        assert any(line.endswith("had other inputs: Type") for line in task_log.lines("info"))
        run.task = reusing(TEXT)
        run.clear()
        assert run.attempt() == first

    def test_after_the_limit_a_job_is_submitted(
        self, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = Dag().new_run(reusing(TEXT))
        first = run.attempt()
        run.clear()
        monkeypatch.setattr(operators, "EarlierJobs", partial(EarlierJobs, now=lambda: time.time() + 8 * 86_400))
        assert run.attempt()["job_id"] != first["job_id"]

    @every_version
    def test_on_clear_new_submits_a_job_although_earlier_runs_have_one(
        self, stored: bool, ims_emulator: ImsEmulator
    ) -> None:
        dag = Dag(stored=stored)
        first = dag.run(reusing(TEXT, on_clear="new"))
        run = dag.new_run(reusing(TEXT, on_clear="new"))
        assert run.attempt() == first
        run.clear()
        second = run.attempt()
        assert second["job_id"] != first["job_id"]
        assert dag.run(reusing(TEXT)) == second

    def test_before_airflow_3_3_the_jobs_of_earlier_runs_are_reused(self, ims_emulator: ImsEmulator) -> None:
        dag = Dag(stored=False)
        first = dag.run(reusing(TEXT))
        run = dag.new_run(reusing(TEXT))
        run.attempt()
        run.clear()
        assert run.attempt() == first


class TestArguments:
    @pytest.mark.parametrize(
        ("arguments", "field"),
        [
            ({"reuse": "always"}, "reuse"),
            ({"reuse": "inputs", "durable": False}, "reuse"),
            ({"reuse_within": 5}, "reuse_within"),
            ({"reuse_within": timedelta()}, "reuse_within"),
            ({"reuse_within": timedelta(days=400)}, "reuse_within"),
        ],
    )
    def test_invalid_arguments_are_rejected(self, arguments: dict[str, Any], field: str) -> None:
        with pytest.raises(ImsRequestError, match=f"^{field}: ") as caught:
            TEXT.task(**arguments)
        assert caught.value.field == field

    def test_a_task_with_many_jobs_does_not_accept_reuse(self) -> None:
        with pytest.raises(TypeError, match="reuse"):
            ImsSubmitJobsOperator(task_id="jobs", job="SubmitASRJob", requests=[], reuse="inputs")


DAG_FILE = """
import os
from datetime import datetime

from airflow.sdk import DAG
from airflow_provider_ims.operators.ims import ImsSubmitTextGenerateJobOperator

CONFIG = {"keywords": "new store", "textLength": 20, "targetCount": 2}
with DAG("reusing", schedule=None, start_date=datetime(2026, 1, 1)):
    common = {"generate_config": CONFIG, "poll_interval": 0.05, "reuse": "inputs"}
    ImsSubmitTextGenerateJobOperator(
        task_id="copy", title=os.environ["COPY_TITLE"], deferrable=True, **common
    )
    ImsSubmitTextGenerateJobOperator.partial(task_id="titles", type="Title", **common).expand(title=["a", "b", "c"])
"""


@pytest.mark.slow
def test_a_second_dag_run_with_the_same_inputs_submits_no_job(
    airflow_db: None, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "reusing.py").write_text(DAG_FILE)
    runner = DagRunner(tmp_path, monkeypatch)
    monkeypatch.setenv("COPY_TITLE", "one")
    first = runner.run("reusing")
    assert len(ims_emulator.requests(TEXT.submit)) == 4
    assert runner.run("reusing") == first
    assert len(ims_emulator.requests(TEXT.submit)) == 4
    monkeypatch.setenv("COPY_TITLE", "two")
    third = runner.run("reusing")
    assert {key for key in first if third[key] != first[key]} == {("copy", -1)}
    assert len(ims_emulator.requests(TEXT.submit)) == 5
    monkeypatch.setenv("COPY_TITLE", "one")
    assert runner.run("reusing") == first


@pytest.mark.slow
def test_a_run_finds_the_jobs_of_runs_with_an_earlier_date(
    airflow_db: None, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "reusing.py").write_text(DAG_FILE)
    runner = DagRunner(tmp_path, monkeypatch)
    monkeypatch.setenv("COPY_TITLE", "dated")
    days = {day: datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)}
    second, third = (runner.run("reusing", logical_date=days[day])["copy", -1] for day in (2, 3))
    assert third == second
    assert runner.run("reusing", logical_date=days[1])["copy", -1] != second
