"""Each task run is billed for one job, whichever process is killed with SIGKILL on a real Airflow."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from support.waiting import CEILING

from local_airflow import EmulatorService, LocalAirflow, wait_until
from local_airflow.server import command_line

pytestmark = pytest.mark.slow

SUBMITS = {
    "text": "SubmitTextGenerateJob",
    "audio": "SubmitAudioProduceJob",
    "batch": "SubmitBatchMediaProducingJob",
    "image": "SubmitAIImageJob",
}
#: The queries by job id with their parameter, and the listings, which return many jobs at once.
QUERIES = {"GetSmartHandleJob": "JobId", "GetBatchMediaProducingJob": "JobId", "GetAIImageJobs": "JobIds"}
LISTINGS = {
    "SubmitTextGenerateJob": "ListSmartJobs",
    "SubmitAudioProduceJob": "ListSmartJobs",
    "SubmitBatchMediaProducingJob": "ListBatchMediaProducingJobs",
}
DEFERRABLE, SYNCHRONOUS, MAPPED, UNCERTAIN = (
    f"crashes_{name}" for name in ("deferrable", "synchronous", "mapped", "uncertain")
)
BOTH = (DEFERRABLE, SYNCHRONOUS)
#: What is killed and when -> the minimum number of tries by DAG. Airflow adds a try if it processes a deferral only
#: after the task was queued to be resumed.
CRASHES = {
    "task before the request": dict.fromkeys(BOTH, 2),
    "task before the response": dict.fromkeys(BOTH, 2),
    "task before the id is recorded": dict.fromkeys(BOTH, 2),
    "task before the wait": dict.fromkeys(BOTH, 2),
    "task during the wait": {SYNCHRONOUS: 2},
    "whole worker during the wait": {SYNCHRONOUS: 2},
    "triggerer during the wait": {DEFERRABLE: 1},
    "emulator during the wait": dict.fromkeys(BOTH, 1),
    "task in the resume phase": {DEFERRABLE: 2},
}
WAITING = tuple(crash for crash in CRASHES if crash.endswith("during the wait"))
#: The crashes in which the tasks kill themselves.
SELF_KILLED = (
    "task before the request",
    "task before the id is recorded",
    "task before the wait",
    "task in the resume phase",
)


@dataclass(frozen=True)
class Outcome:
    """
    How a task ended.

    :param jobs: The ids of the jobs that the service accepted for the task.
    :param collected: The id of the job whose result the task returned.
    """

    state: str
    tries: int
    jobs: list[str]
    collected: str | None


@dataclass
class Harness:
    """
    The DAG runs of this module and their jobs, which end only when a test ends them.

    :param runs: Run ids by scenario and DAG.
    :param outcomes: The outcomes of the tasks by scenario and DAG.
    :param idle_polls: The number of consecutive polls in which no task was running.
    """

    airflow: LocalAirflow
    service: EmulatorService
    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], dict[str, Outcome]] = field(default_factory=dict)
    idle_polls: int = 0

    @property
    def emulator(self):
        return self.service.control

    def start(self, scenario, dag_ids, **conf):
        for dag_id in dag_ids:
            self.runs[scenario, dag_id] = self.airflow.api.trigger(dag_id, {"crash": scenario} | conf)

    def jobs(self, *scenarios):
        """Return all jobs of the given scenarios by the name of the task in their UserData."""
        runs = tuple(f"{dag_id} {run_id} " for (scenario, dag_id), run_id in self.runs.items() if scenario in scenarios)
        return {task: jobs for task, jobs in self.all_jobs().items() if task.startswith(runs)}

    def all_jobs(self):
        found = {}
        for job in self.emulator.jobs():
            task = json.loads(job["parameters"]["UserData"])["Extend"]["task"]
            found.setdefault(task, []).append(job)
        return found

    def answered(self, action):
        """Return the successful requests for an action."""
        return [request for request in self.emulator.requests(action) if request["status"] == 200]

    def query_counts(self):
        """Return the number of successful queries for each job id."""
        counts = Counter()
        for query, ids in QUERIES.items():
            for request in self.answered(query):
                counts.update(request["parameters"][ids].split(","))
        return counts

    def wait_until_polled(self, *scenarios):
        """Wait until each job of the given scenarios has been polled again."""
        jobs = [job for jobs in self.jobs(*scenarios).values() for job in jobs]

        def poll_counts():
            queried = self.query_counts()
            listed = {kind: len(self.answered(listing)) for kind, listing in LISTINGS.items()}
            return Counter({job["job_id"]: queried[job["job_id"]] + listed.get(job["kind"], 0) for job in jobs})

        before = poll_counts()
        wait_until("a poll of each job", lambda: len(poll_counts() - before) == len(jobs), CEILING)

    def wait_until_accepted(self, number, *scenarios):
        """Wait until the service has accepted a number of jobs for the given scenarios."""

        def accepted():
            return sum(map(len, self.jobs(*scenarios).values())) == number

        wait_until(f"{number} jobs", accepted, CEILING)

    def active_tasks(self):
        """Return Airflow's task instances that have not ended, by the name in the UserData of their jobs."""
        found = self.airflow.api.call(
            "GET",
            "dags/~/dagRuns/~/taskInstances",
            params={"state": ["scheduled", "queued", "running", "deferred", "up_for_retry"], "limit": 100},
        )
        return {
            f"{ti['dag_id']} {ti['dag_run_id']} {ti['task_id']}"
            + (f" {ti['map_index']}" if ti["map_index"] >= 0 else ""): ti
            for ti in found["task_instances"]
        }

    def processes(self, scenario):
        """Return the processes of a scenario's tasks, and those of their workers."""
        active = self.active_tasks()
        found = [
            process for task in self.jobs(scenario) for process in self.airflow.worker_processes(active[task]["id"])
        ]
        workers = [process for process in found if "LocalExecutor" in command_line(process)]
        return [process for process in found if process not in workers], workers

    def end_awaited_jobs(self, held):
        """
        End the jobs that tasks wait for, except those of the held scenarios.

        The jobs of deferred tasks end only when all tasks are deferred. Otherwise a busy scheduler may process a
        deferral only after the task was queued to be resumed, and then treats the task as failed.
        """
        queried, active = self.query_counts(), self.active_tasks()
        held_tasks, failing_tasks = self.jobs(*held) if held else {}, self.jobs("first job fails")
        idle = all(ti["state"] == "deferred" for task, ti in active.items() if task not in held_tasks)
        self.idle_polls = self.idle_polls + 1 if idle else 0
        for task, jobs in self.all_jobs().items():
            if task in held_tasks or (task.startswith(UNCERTAIN) and not policy_applied(task, jobs, active)):
                continue
            for job in jobs:
                awaited = job["job_id"] in queried if task.startswith(SYNCHRONOUS) else self.idle_polls >= 3
                if job["ended"] is None and (awaited or self.searched_in_vain(job)):
                    fails = task in failing_tasks and job is jobs[0]
                    (self.emulator.fail if fails else self.emulator.finish)(job["job_id"])

    def searched_in_vain(self, job):
        """Return whether the images of a job's video were listed after the job was submitted."""
        return any(
            request["parameters"]["VideoId"] == job["parameters"].get("VideoId") and request["time"] > job["created"]
            for request in self.answered("ListAIImageInfo")
        )

    def run_to_end(self, held=()):
        """Run all scenarios to their end, except those in ``held``."""
        held_runs = {run_id for (scenario, _), run_id in self.runs.items() if scenario in held}

        def ended():
            self.end_awaited_jobs(held)
            return held_runs.issuperset(self.airflow.api.active_runs("~"))

        wait_until("end of the runs", ended, CEILING, interval=0.5)
        jobs = self.all_jobs()
        for (scenario, dag_id), run_id in self.runs.items():
            if (scenario, dag_id) not in self.outcomes and scenario not in held:
                self.outcomes[scenario, dag_id] = {
                    task.label: self._outcome(dag_id, run_id, task, jobs)
                    for task in self.airflow.api.task_instances(dag_id, run_id)
                }

    def _outcome(self, dag_id, run_id, task, jobs):
        name = f"{dag_id} {task.task_id}" if dag_id == MAPPED else f"{dag_id} {run_id} {task.task_id}"
        result = self.airflow.api.xcom(dag_id, run_id, task) or {}
        return Outcome(task.state, task.try_number, [job["job_id"] for job in jobs[name]], result.get("job_id"))


def policy_applied(task, jobs, active):
    """Return whether the task has applied its policy for a job that was not found."""
    if task.endswith(" submit"):
        return len(jobs) == 2
    return task in active and active[task]["try_number"] >= 3


def kill(processes):
    for process in processes:
        # A task may notice that its worker is gone and exit.
        with suppress(psutil.NoSuchProcess):
            process.kill()


def kill_before_the_response(harness):
    for kind, action in SUBMITS.items():
        harness.emulator.fault(action, "hang_after", count=4 if kind == "image" else 2, seconds=None)
    harness.start("task before the response", BOTH)
    harness.start("not found", [UNCERTAIN], searches=2)
    scenarios = ("task before the response", "not found")
    harness.wait_until_accepted(10, *scenarios)
    tasks = [process for scenario in scenarios for process in harness.processes(scenario)[0]]
    assert len(tasks) == 10
    kill(tasks)


def kill_during_the_wait(harness):
    for scenario in WAITING:
        harness.start(scenario, CRASHES[scenario])
    harness.wait_until_accepted(20, *WAITING)
    harness.wait_until_polled(*WAITING)

    harness.service.service.kill()
    harness.service.start()
    harness.wait_until_polled(*WAITING)
    victims = [scenario for scenario in WAITING if not scenario.startswith("emulator")]
    harness.run_to_end(held=victims)

    assert harness.processes("triggerer during the wait") == ([], [])
    harness.airflow.kill("triggerer")
    tasks, _ = harness.processes("task during the wait")
    more_tasks, workers = harness.processes("whole worker during the wait")
    assert [len(tasks), len(more_tasks), len(workers)] == [4, 4, 4]
    kill([*workers, *tasks, *more_tasks])
    harness.airflow.restart("triggerer")
    harness.wait_until_polled(*victims)
    harness.run_to_end()


def clear(harness):
    for dag_id in BOTH:
        run_id = harness.runs["cleared", dag_id] = harness.runs["emulator during the wait", dag_id]
        harness.airflow.api.clear(dag_id, run_id, harness.airflow.api.task_instances(dag_id, run_id))
    harness.run_to_end()


@pytest.fixture(scope="module")
def harness(tmp_path_factory):
    never = [f"{action}=36000" for action in SUBMITS.values()]
    emulator = EmulatorService(tmp_path_factory.mktemp("emulator"), "--list-text-jobs", "--quiet", "--duration", *never)
    config = {
        "core": {"parallelism": "16"},
        # Seconds after which Airflow fails the task of a killed worker.
        "scheduler": {
            "task_instance_heartbeat_timeout": "20",
            "task_instance_heartbeat_timeout_detection_interval": "2",
        },
    }
    with emulator:
        # A submit request that hangs must not time out before its process is killed.
        env = {name: f"{uri}&read_timeout=3600" for name, uri in emulator.airflow_env.items()}
        dags, home = Path(__file__).parent / "dags", tmp_path_factory.mktemp("airflow")
        with LocalAirflow(home, dags, env=env, config=config) as airflow:
            for dag_id in (*BOTH, MAPPED, UNCERTAIN):
                airflow.api.unpause(dag_id)
            yield Harness(airflow, emulator)


@pytest.fixture(scope="module")
def finished(harness):
    """Run all scenarios of this module, in parallel where possible."""
    kill_before_the_response(harness)
    harness.start("task before the request", BOTH, searches=2)
    for crash in SELF_KILLED[1:]:
        harness.start(crash, CRASHES[crash])
    for scenario in ("monday", "tuesday"):
        harness.start(scenario, [MAPPED], crash="task before the id is recorded")
    harness.start("first job fails", BOTH)
    harness.run_to_end()
    killed = [
        tasks for (scenario, dag_id), tasks in harness.outcomes.items() if scenario in SELF_KILLED or dag_id == MAPPED
    ]
    assert len(list((harness.airflow.home / "crashed").iterdir())) == sum(map(len, killed))
    kill_during_the_wait(harness)
    clear(harness)
    return harness


@pytest.mark.parametrize("kind", SUBMITS)
@pytest.mark.parametrize(
    ("crash", "dag_id"), [(crash, dag_id) for crash, dag_ids in CRASHES.items() for dag_id in dag_ids]
)
def test_a_task_run_is_billed_for_one_job_whatever_crashes(finished, crash_table, crash, dag_id, kind):
    outcome = finished.outcomes[crash, dag_id][kind]
    crash_table(crash, kind, dag_id.removeprefix("crashes_"), outcome.tries, len(outcome.jobs))
    assert outcome.state == "success"
    assert outcome.tries >= CRASHES[crash][dag_id]
    assert outcome.jobs == [outcome.collected]


class TestAnImageJobThatEndsAfterTheSearch:
    """A search finds an image job by its images. Here, the search of the retry ends before the job does."""

    @pytest.fixture
    def outcome_of(self, finished, crash_table):
        def outcome_of(policy):
            outcome = finished.outcomes["not found", UNCERTAIN][policy]
            crash = "task before the response, search too short"
            crash_table(crash, "image", f"on_uncertain={policy}", outcome.tries, len(outcome.jobs))
            return outcome

        return outcome_of

    def test_on_uncertain_submit_results_in_two_billed_jobs(self, outcome_of):
        outcome = outcome_of("submit")
        assert outcome.state == "success"
        assert len(outcome.jobs) == 2
        assert outcome.collected == outcome.jobs[1]

    def test_on_uncertain_fail_fails_the_try_and_a_later_try_finds_the_job(self, outcome_of):
        outcome = outcome_of("fail")
        assert outcome.state == "success"
        assert outcome.tries >= 3
        assert outcome.jobs == [outcome.collected]


@pytest.mark.parametrize("kind", SUBMITS)
@pytest.mark.parametrize("dag_id", BOTH)
class TestAnotherJob:
    def test_a_retry_after_a_failed_job_submits_exactly_one_job(self, finished, dag_id, kind):
        outcome = finished.outcomes["first job fails", dag_id][kind]
        assert outcome.state == "success"
        assert outcome.tries >= 2
        assert [outcome.collected] == outcome.jobs[1:]

    def test_clearing_a_finished_task_submits_exactly_one_job(self, finished, dag_id, kind):
        before = finished.outcomes["emulator during the wait", dag_id][kind]
        outcome = finished.outcomes["cleared", dag_id][kind]
        assert outcome.state == "success"
        assert outcome.jobs == [before.collected, outcome.collected]


@pytest.mark.parametrize("kind", SUBMITS)
def test_mapped_task_instances_and_runs_with_equal_parameters_have_separate_jobs(finished, kind):
    """All task instances were killed after the submission, before they recorded the job id."""
    submitted, collected = [], []
    for scenario in ("monday", "tuesday"):
        run_id = finished.runs[scenario, MAPPED]
        for task in finished.airflow.api.task_instances(MAPPED, run_id):
            if task.task_id == kind:
                log = map(str, finished.airflow.api.task_log(MAPPED, run_id, task, try_number=1))
                (line,) = (line for line in log if "Submitted" in line)
                submitted.append(line.partition(" job ")[2].split()[0])
                outcome = finished.outcomes[scenario, MAPPED][task.label]
                assert outcome.state == "success"
                collected.append(outcome.collected)
    assert collected == submitted
    assert sorted(submitted) == sorted(outcome.jobs)
    assert len(set(submitted)) == 4
