"""The demo's summary of results and its progress display."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from local_airflow import LocalAirflowError, LogLine, TaskState
from local_airflow.demo import run_pipeline
from local_airflow.progress import job_kind, jobs_table, outcome, show_progress


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        ("ImsSubmitTextGenerateJobOperator", "TextGenerate"),
        ("ImsSubmitBatchMediaProducingJobOperator", "BatchMediaProducing"),
        ("VodSubmitAIImageJobOperator", "AIImage"),
        ("_PythonDecoratedOperator", "_PythonDecoratedOperator"),
    ],
)
def test_the_job_kind_is_derived_from_the_name_of_the_operator(operator, kind):
    assert job_kind(operator) == kind


@pytest.mark.parametrize(
    ("result", "summary"),
    [
        ({"texts": ["夏日清凉", "b"], "usage": {"total_tokens": 2}}, "texts (2): 夏日清凉"),
        ({"media_url": "https://x/a.mp3", "sentences": [{}, {}]}, "sentences (2): https://x/a.mp3"),
        (
            {"videos": [{"media_url": "https://x/1.mp4"}], "failed": [{"error_code": "Broken"}]},
            "videos (1): https://x/1.mp4\nfailed videos (1): Broken",
        ),
        (
            {"images": [{"score": 0.4, "url": "u4"}, {"score": 0.9, "url": "u9"}]},
            "images (2), best score 0.90: u9",
        ),
        ({"job_id": "j", "state": "Finished"}, ""),
    ],
)
def test_the_outcome_summarizes_a_result(result, summary):
    assert outcome(result) == summary


class FakeApi:
    """Returns the values that a test has set."""

    def __init__(self):
        self.end = "success"
        self.tasks = []
        self.results = {}
        self.log = []
        self.log_reads = 0

    def unpause(self, dag_id):
        assert dag_id == "d"

    def trigger(self, _):
        return "r"

    def wait(self, *_, timeout, on_progress):
        on_progress(self.tasks)
        if self.end == "never":
            raise LocalAirflowError(f"still running after {timeout} s")
        return self.end

    def task_instances(self, *_):
        return self.tasks

    def xcom(self, _dag_id, _run_id, task):
        return self.results.get(task.task_id)

    def task_log(self, *_):
        self.log_reads += 1
        return [
            LogLine(time=datetime.now(UTC), level="info", logger=logger, message=message)
            for logger, message in self.log
        ]


def task(state, *, task_id="copy", seconds=1.0):
    return TaskState(
        id=task_id,
        task_id=task_id,
        map_index=-1,
        operator="ImsSubmitTextGenerateJobOperator",
        state=state,
        try_number=1,
        seconds=seconds,
        pid=None,
    )


@pytest.fixture
def api():
    return FakeApi()


@pytest.fixture
def console():
    return Console(file=io.StringIO(), width=200)


LOGGER = "airflow.task.operators.airflow_provider_ims.operators.ims.ImsSubmitTextGenerateJobOperator"


def test_a_line_is_printed_only_when_a_task_changes(api, console):
    api.log = [(LOGGER, "submitted job j1 [x]"), ("task", "Pausing task as DEFERRED.")]
    with show_progress(console, api, "d", "r") as show:
        show([task(None, seconds=None)])
        show([task("running")])
        show([task("running")])
        show([task("deferred")])
        api.log.append((LOGGER, "job j1 is Executing"))
        show([task("deferred")])
        show([task("success")])
        reads = api.log_reads
        show([task("success")])
    lines = [line.split() for line in console.file.getvalue().splitlines()]
    assert [(line[3], " ".join(line[6:])) for line in lines] == [
        ("running", "submitted job j1 [x]"),
        ("deferred", "submitted job j1 [x]"),
        ("deferred", "job j1 is Executing"),
        ("success", "job j1 is Executing"),
    ]
    assert api.log_reads == reads, "the log of a task that has ended cannot change"


def test_a_terminal_shows_a_live_table(api):
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    api.log = [(LOGGER, "submitted job j1 [x]")]
    with show_progress(console, api, "d", "r") as show:
        show([task("running"), task(None, task_id="videos", seconds=None)])
        show([task("success"), task("deferred", task_id="videos")])
    drawn = console.file.getvalue()
    assert "waiting" in drawn
    assert "deferred" in drawn
    assert "submitted job j1 [x]" in drawn


def test_the_table_of_jobs_has_a_row_for_each_task_with_a_job(api, console):
    api.tasks = [
        task("success", seconds=2.34),
        task("success", task_id="pick"),
        task("failed", task_id="videos"),
    ]
    api.results = {
        "copy": {"job_id": "j1", "state": "Finished", "texts": ["[bold]"]},
        "pick": "a string",
    }
    table = jobs_table(api, "d", "r")
    console.print(table)
    assert table.row_count == 1
    printed = console.file.getvalue()
    assert all(text in printed for text in ("TextGenerate", "j1", "Finished", "2.3", "texts (1): [bold]"))


@pytest.mark.parametrize(
    ("end", "states", "logs"),
    [
        ("success", ["success", "success", "success"], []),
        ("failed", ["success", "failed", "upstream_failed"], ["b"]),
        ("never", ["success", "deferred", None], ["b"]),
        ("never", ["up_for_retry", "running", None], ["a", "b"]),
    ],
)
def test_the_logs_of_failed_and_unfinished_tasks_are_printed(api, console, end, states, logs):
    api.end = end
    api.tasks = [
        task(state, task_id=task_id, seconds=None if state is None else 1.0)
        for task_id, state in zip("abc", states, strict=True)
    ]
    api.log = [(LOGGER, "why")]

    assert run_pipeline(console, api, timeout=9, dag_id="d") is (end == "success")

    lines = console.file.getvalue().splitlines()
    assert [line.split()[2].rstrip(",") for line in lines if line.startswith("Log of ")] == logs
    assert ("The pipeline did not succeed" in lines[-1]) is (end != "success")
    assert ("still running after 9 s" in lines[-1]) is (end == "never")
