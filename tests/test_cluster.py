"""The parts of ``make cluster`` that can be tested without a cluster."""

from __future__ import annotations

import json
import time
from collections import Counter
from configparser import ConfigParser
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.submits import SUBMITS

from airflow_provider_ims.hooks.ims import ImsHook
from cluster import __main__ as command
from cluster import hostname, messages, report, settings
from cluster.harness import DAGS, Cluster, Run, ScenarioError, format_counts
from cluster.outcome import Outcome
from cluster.scenarios import SCENARIOS
from cluster.secrets_backend import FileSecrets, SecretsOutageError
from local_airflow import LocalAirflow, LocalAirflowError

#: Parameters for jobs of two kinds, encoded as the service expects them.
PARAMETERS = {
    kind: {name: value if isinstance(value, str) else json.dumps(value) for name, value in SUBMITS["ice", kind].items()}
    for kind in ("SubmitAudioProduceJob", "SubmitIProductionJob")
}
RUN, OTHER_RUN = Run("waits_20", "manual__1", 20), Run("waits_20", "manual__11", 20)


def outcome(**figures):
    good = {
        "task_runs": 2,
        "states": Counter(success=2),
        "jobs": Counter({1: 2}),
        "tries": Counter({1: 1, 3: 1}),
        "requests": 9,
        "seconds": 61.0,
    }
    return Outcome(**(good | figures))


class TestOutcome:
    def test_a_scenario_passes_with_one_job_for_each_successful_task_run(self):
        assert outcome().passed

    def test_a_scenario_whose_tasks_submit_no_jobs_passes_without_jobs(self):
        assert outcome(jobs=None).passed
        assert outcome(jobs=None).requests_per_job is None
        assert not outcome(jobs=Counter()).passed

    @pytest.mark.parametrize(
        "figures",
        [
            {"states": Counter(success=1, failed=1)},
            {"states": Counter(success=1)},
            {"jobs": Counter({1: 1, 2: 1})},
            {"jobs": Counter({1: 1})},
            {"problems": ["no triggerer"]},
        ],
    )
    def test_a_scenario_fails_in_all_other_cases(self, figures):
        assert not outcome(**figures).passed

    def test_requests_per_job_are_the_requests_divided_by_the_jobs(self):
        assert outcome(jobs=Counter({1: 1, 2: 1})).requests_per_job == 3
        assert outcome(jobs=Counter()).requests_per_job is None


class TestReport:
    def test_the_page_has_a_row_for_each_scenario_and_shows_problems(self):
        outcomes = {name: outcome() for name in SCENARIOS}
        outcomes["secrets"] = outcome(states=Counter(failed=2), recovery=180.4, problems=["no poll | of a job"])
        outcomes["mapped-300"] = outcome(task_runs=2, cpu={"worker-1": 12.4, "redis": 0.6})
        lines = report.page(outcomes, 12.3, 0.2, "celery 5.6.3").splitlines()
        for name, scenario in SCENARIOS.items():
            (row,) = (line for line in lines if f"(`{name}`)" in line)
            assert row.startswith(f"| {scenario.title} ")
            assert row.endswith("| NO |" if name == "secrets" else "| yes |")
        assert any("| 180 |" in line and "2 failed" in line for line in lines)
        assert any("no poll / of a job" in line for line in lines)
        assert "| worker-1 | 12 |" in lines
        assert "| all | 13 |" in lines
        assert "- celery 5.6.3" in lines
        assert "- The whole run took 12 minutes; load average before it: 0.2 (no other processes were running)" in lines

    def test_the_terminal_table_is_aligned(self):
        head, row = report.terminal_table({"secrets": outcome()}).splitlines()
        assert row.index("3 (1 run)") == head.index("tries")

    def test_every_setting_is_on_the_page(self):
        page = report.page({}, 0, 5, "")
        assert all(f"`{one.name}`" in page and one.why in page for one in settings.SETTINGS)


class TestSettings:
    def test_airflow_cfg_contains_the_settings_and_the_addresses(self, tmp_path):
        config = settings.config(
            database="postgresql+psycopg2://u:p%40@127.0.0.1:1/d",
            broker="redis://:p@127.0.0.1:2/0",
            secrets_file=tmp_path / "secrets.json",
            outage_file=tmp_path / "outage",
        )
        airflow = LocalAirflow(tmp_path / "airflow", DAGS, config=config, components=settings.components())
        written = ConfigParser(interpolation=None)
        written.read(airflow.home / "airflow.cfg")
        for one in settings.SETTINGS:
            assert written[one.section][one.name] == one.value
        assert written["core"]["executor"] == "CeleryExecutor"
        assert written["celery"]["result_backend"] == "db+postgresql+psycopg2://u:p%40@127.0.0.1:1/d"
        assert written["core"]["dags_folder"] == str(DAGS)

    def test_components_that_may_run_twice_run_twice_under_different_names(self):
        components = settings.components()
        assert [one.name for one in components] == [
            "api-server",
            "scheduler-1",
            "scheduler-2",
            "dag-processor",
            "triggerer-1",
            "triggerer-2",
            "worker-1",
            "worker-2",
        ]
        assert all(one.env == {hostname.VARIABLE: one.name} for one in components)
        # A heartbeat of this job type, or this text in the output, shows that a component is ready.
        assert all(one.job_type or one.ready for one in components if one.name != "api-server")

    def test_the_host_name_is_the_name_of_the_component(self, monkeypatch):
        monkeypatch.setenv(hostname.VARIABLE, "triggerer-2")
        assert hostname.hostname() == "triggerer-2"
        monkeypatch.delenv(hostname.VARIABLE)
        assert hostname.hostname()


class TestSecretsBackend:
    @pytest.fixture
    def outage(self, tmp_path):
        return tmp_path / "outage"

    @pytest.fixture
    def backend(self, tmp_path, outage):
        (tmp_path / "connections.json").write_text(json.dumps({"here": "alibabacloud-ims://"}))
        return FileSecrets(connections=str(tmp_path / "connections.json"), outage=str(outage))

    def test_connections_are_read_from_the_file(self, backend):
        assert backend.get_conn_value("here") == "alibabacloud-ims://"
        assert backend.get_conn_value("elsewhere") is None
        assert backend.get_variable("here") is None

    def test_lookups_raise_during_an_outage_only(self, backend, outage):
        outage.touch()
        with pytest.raises(SecretsOutageError):
            backend.get_conn_value("here")
        with pytest.raises(SecretsOutageError):
            backend.get_variable("here")
        outage.unlink()
        assert backend.get_conn_value("here") == "alibabacloud-ims://"


class TestCommand:
    def test_the_error_for_an_unknown_scenario_lists_all_scenarios(self, capsys):
        with pytest.raises(SystemExit) as raised:
            command.main(["secrets", "earthquake"])
        assert raised.value.code == 2
        message = capsys.readouterr().err
        assert "unknown scenario earthquake" in message
        assert all(name in message for name in SCENARIOS)

    def test_the_error_for_missing_packages_contains_the_command_that_installs_them(self, monkeypatch):
        monkeypatch.setattr(command, "MODULES", {"no_such_module.below": "some-package", "json": "other-package"})
        with pytest.raises(LocalAirflowError, match=r"Not installed: some-package\. To install, run `make cluster`"):
            command.check_modules()

    def test_the_extra_contains_all_required_packages(self):
        text = (Path(command.__file__).parents[1] / "pyproject.toml").read_text()
        extra = text[text.index("\ncluster = [") :].partition("]")[0]
        assert all(f'"{package}==' in extra for package in command.MODULES.values())


def test_a_job_is_identified_by_its_task_or_by_its_kind():
    job = {"kind": "SubmitAudioProduceJob", "parameters": {"UserData": json.dumps({"Task": "manual__1 7"})}}
    assert Cluster.task_of(job) == "manual__1 7"
    assert Cluster.task_of({"kind": "SubmitAIImageJob", "parameters": {}}) == "SubmitAIImageJob"


class TestPolls:
    """The emulator's record of requests shows which jobs are being polled."""

    @pytest.fixture
    def cluster(self, ims_emulator, tmp_path):
        cluster = Cluster(tmp_path, print)
        cluster.emulator = SimpleNamespace(control=ims_emulator)
        return cluster

    @pytest.fixture
    def jobs(self, ims_emulator):
        def add(run, index, kind="SubmitAudioProduceJob"):
            user_data = json.dumps({"Task": f"{run.run_id} {index}"})
            (job_id,) = ims_emulator.add_jobs(kind, {**PARAMETERS[kind], "UserData": user_data}, [3600])
            return job_id

        return add

    def test_jobs_belong_to_their_run_and_task(self, cluster, jobs):
        first, second = jobs(RUN, 0), jobs(RUN, 0)
        other = jobs(RUN, 1, "SubmitIProductionJob")
        jobs(OTHER_RUN, 0)
        assert cluster.jobs_by_task(RUN) == {0: [first, second], 1: [other]}

    def test_a_query_counts_as_a_poll_of_its_job(self, cluster, jobs):
        queried, _ = jobs(RUN, 0, "SubmitIProductionJob"), jobs(RUN, 1, "SubmitIProductionJob")
        ImsHook().call("QueryIProductionJob", {"JobId": queried})
        assert cluster.polled_since(0, RUN) == {0}
        assert cluster.polled_since(time.time(), RUN) == set()
        assert cluster.polled_since(0, OTHER_RUN) == set()

    def test_a_listing_counts_as_a_poll_of_all_jobs_of_its_kind(self, cluster, jobs):
        for index in range(2):
            jobs(RUN, index)
        jobs(RUN, 2, "SubmitIProductionJob")
        ImsHook().call("ListSmartJobs", {"JobType": "AudioProduce"})
        assert cluster.polled_since(0, RUN) == {0, 1}
        assert cluster.polled_since(0, RUN, listings=False) == set()

    def test_finish_ends_only_running_jobs(self, cluster, jobs, ims_emulator):
        failed, running = jobs(RUN, 0), jobs(RUN, 1)
        ims_emulator.fail(failed)
        cluster.finish(cluster.jobs(RUN))
        states = {job["job_id"]: job["state"] for job in ims_emulator.jobs()}
        assert states == {failed: "Failed", running: "Finished"}

    def test_all_requests_are_counted(self, cluster, jobs):
        ImsHook().call("GetSmartHandleJob", {"JobId": jobs(RUN, 0)})
        assert cluster.request_counts() == {"GetSmartHandleJob": 1}

    def test_the_last_query_of_a_job_ends_its_wait(self, cluster, jobs, ims_emulator):
        job_id = jobs(RUN, 3)
        ImsHook().call("GetSmartHandleJob", {"JobId": job_id})
        ims_emulator.finish(job_id)
        ImsHook().call("GetSmartHandleJob", {"JobId": job_id})
        ((index, wait),) = messages._job_times(cluster, RUN).items()
        assert index == 3
        first, last = wait.queried
        assert first < wait.ended < last
        assert wait.seconds == last - wait.ended


class TestStarts:
    """The asset events of Airflow show how many times a message started a DAG."""

    @staticmethod
    def event(message_id, second, runs=1):
        payload = {"message_id": message_id}
        timestamp = f"2026-01-01T00:00:{second:02}Z"
        return {"extra": {"payload": payload}, "created_dagruns": [{}] * runs, "timestamp": timestamp}

    def check(self, *events):
        found = outcome(jobs=None)
        fault = datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC).timestamp()
        messages._check_starts(found, events, ["a", "b"], fault)
        return found

    def test_a_message_may_start_the_dag_twice(self):
        found = self.check(self.event("a", 5), self.event("b", 8), self.event("b", 40))
        assert found.passed
        assert found.remarks == [
            "asset events for each message: 1 for 1 messages, 2 for 1 messages",
            "the earliest event for a message with several events was stored 2.0 s before the kill",
        ]

    def test_a_message_that_starts_the_dag_three_times_or_never_is_a_problem(self):
        assert not self.check(self.event("a", 5), *(self.event("b", second) for second in (8, 40, 41))).passed
        assert not self.check(self.event("a", 5)).passed
        assert not self.check(self.event("a", 5), self.event("b", 8, runs=0)).passed


def test_the_content_pipeline_is_started_only_by_its_scenario(tmp_path):
    folder = Cluster(tmp_path, print)._dags()
    assert "schedule=None" in (folder / "ims_content_pipeline.py").read_text()


@pytest.mark.parametrize(
    ("states", "problem"),
    [
        (["failed", "upstream_failed", "upstream_failed", "success"], "tasks that failed while waiting for a poll: 3"),
        (["upstream_failed", "running"], "tasks that failed while waiting for a poll: 1"),
        (["running", "running"], "timed out after -1 s waiting for a poll; tasks: 2 running"),
    ],
)
def test_a_wait_reports_the_tasks_that_have_failed(tmp_path, states, problem):
    cluster = Cluster(tmp_path, print)
    tasks = [SimpleNamespace(state=state) for state in states]
    cluster.airflow = SimpleNamespace(api=SimpleNamespace(task_instances=lambda dag_id, run_id: tasks))
    with pytest.raises(ScenarioError, match=problem):
        cluster.wait_until("a poll", lambda: False, -1, RUN)


def test_counts_are_sorted_by_frequency():
    assert (
        format_counts(Counter({"running": 1, "deferred": 3, None: 2, "failed": 0}))
        == "3 deferred, 2 no state, 1 running"
    )
    assert format_counts({}) == "none"
