"""One billed job for one task run, whatever crashes: real SIGKILLs on a real Airflow."""

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
#: What asks for jobs by id, and the listings that tell of many at once.
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
#: What is killed, and when -> by DAG, the tries that its tasks take at least. Airflow adds one of its own where it
#: hears of a deferral only after the task was queued to be resumed.
CRASHES = {
    "task before the request": dict.fromkeys(BOTH, 2),
    "task before the answer": dict.fromkeys(BOTH, 2),
    "task before the id is noted": dict.fromkeys(BOTH, 2),
    "task before the wait": dict.fromkeys(BOTH, 2),
    "task during the wait": {SYNCHRONOUS: 2},
    "whole worker during the wait": {SYNCHRONOUS: 2},
    "triggerer during the wait": {DEFERRABLE: 1},
    "emulator during the wait": dict.fromkeys(BOTH, 1),
    "task in the resume phase": {DEFERRABLE: 2},
}
WAITING = tuple(crash for crash in CRASHES if crash.endswith("during the wait"))
#: Where the DAGs' tasks kill themselves.
SELF_KILLED = (
    "task before the request",
    "task before the id is noted",
    "task before the wait",
    "task in the resume phase",
)


@dataclass(frozen=True)
class Outcome:
    """
    What became of a task.

    :param jobs: The jobs that the service accepted for it.
    :param collected: The job whose result it returned.
    """

    state: str
    tries: int
    jobs: list[str]
    collected: str | None


@dataclass
class Stage:
    """
    The DAG runs of this module and their jobs, which end only when told to.

    :param runs: Run ids by what happens to the run, and its DAG.
    :param outcomes: By the same, what became of each task.
    :param calm_looks: How often in a row no task was seen to be at work.
    """

    airflow: LocalAirflow
    service: EmulatorService
    runs: dict[tuple[str, str], str] = field(default_factory=dict)
    outcomes: dict[tuple[str, str], dict[str, Outcome]] = field(default_factory=dict)
    calm_looks: int = 0

    @property
    def emulator(self):
        return self.service.control

    def start(self, story, dag_ids, **conf):
        for dag_id in dag_ids:
            self.runs[story, dag_id] = self.airflow.api.trigger(dag_id, {"crash": story} | conf)

    def jobs(self, *stories):
        """Return all jobs of some stories, by the task that their UserData names."""
        runs = tuple(f"{dag_id} {run_id} " for (story, dag_id), run_id in self.runs.items() if story in stories)
        return {task: jobs for task, jobs in self.all_jobs().items() if task.startswith(runs)}

    def all_jobs(self):
        found = {}
        for job in self.emulator.jobs():
            task = json.loads(job["parameters"]["UserData"])["Extend"]["task"]
            found.setdefault(task, []).append(job)
        return found

    def answered(self, action):
        """Return the requests for an action that the service answered."""
        return [request for request in self.emulator.requests(action) if request["status"] == 200]

    def asked(self):
        """Return how often the service was asked about each job by its id."""
        asked = Counter()
        for query, ids in QUERIES.items():
            for request in self.answered(query):
                asked.update(request["parameters"][ids].split(","))
        return asked

    def until_asked(self, *stories):
        """Wait until the service was asked about each job of some stories, from now on."""
        jobs = [job for jobs in self.jobs(*stories).values() for job in jobs]

        def counted():
            asked = self.asked()
            listed = {kind: len(self.answered(listing)) for kind, listing in LISTINGS.items()}
            return Counter({job["job_id"]: asked[job["job_id"]] + listed.get(job["kind"], 0) for job in jobs})

        before = counted()
        wait_until("question about each job", lambda: len(counted() - before) == len(jobs), CEILING)

    def wait_until_accepted(self, number, *stories):
        """Wait until the service has accepted a number of jobs for some stories."""

        def accepted():
            return sum(map(len, self.jobs(*stories).values())) == number

        wait_until(f"{number} jobs", accepted, CEILING)

    def active_tasks(self):
        """Return Airflow's view of the tasks that are queued or have begun, by the name that their jobs carry."""
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

    def processes(self, story):
        """Return the processes that run the tasks of a story: the tasks' own, and those of their workers."""
        active = self.active_tasks()
        found = [process for task in self.jobs(story) for process in self.airflow.worker_processes(active[task]["id"])]
        workers = [process for process in found if "LocalExecutor" in command_line(process)]
        return [process for process in found if process not in workers], workers

    def end_awaited_jobs(self, held):
        """
        End the jobs that tasks wait for, but for those of some stories.

        What is deferred waits until all else is: a scheduler that is busy hears of a deferral only after the task was
        queued to be resumed, and then takes it for failed.
        """
        asked, active = self.asked(), self.active_tasks()
        held_tasks, failing_tasks = self.jobs(*held) if held else {}, self.jobs("first job fails")
        calm = all(ti["state"] == "deferred" for task, ti in active.items() if task not in held_tasks)
        self.calm_looks = self.calm_looks + 1 if calm else 0
        for task, jobs in self.all_jobs().items():
            if task in held_tasks or (task.startswith(UNCERTAIN) and not is_decided(task, jobs, active)):
                continue
            for job in jobs:
                awaited = job["job_id"] in asked if task.startswith(SYNCHRONOUS) else self.calm_looks >= 3
                if job["ended"] is None and (awaited or self.looked_for_in_vain(job)):
                    fails = task in failing_tasks and job is jobs[0]
                    (self.emulator.fail if fails else self.emulator.finish)(job["job_id"])

    def looked_for_in_vain(self, job):
        """Tell whether the images of a job's video were listed since the job was submitted."""
        return any(
            request["parameters"]["VideoId"] == job["parameters"].get("VideoId") and request["time"] > job["created"]
            for request in self.answered("ListAIImageInfo")
        )

    def play(self, held=()):
        """Let the runs of all stories but some go on to their end."""
        held_runs = {run_id for (story, _), run_id in self.runs.items() if story in held}

        def ended():
            self.end_awaited_jobs(held)
            return held_runs.issuperset(self.airflow.api.active_runs("~"))

        wait_until("end of the runs", ended, CEILING, interval=0.5)
        jobs = self.all_jobs()
        for (story, dag_id), run_id in self.runs.items():
            if (story, dag_id) not in self.outcomes and story not in held:
                self.outcomes[story, dag_id] = {
                    task.label: self._outcome(dag_id, run_id, task, jobs)
                    for task in self.airflow.api.task_instances(dag_id, run_id)
                }

    def _outcome(self, dag_id, run_id, task, jobs):
        name = f"{dag_id} {task.task_id}" if dag_id == MAPPED else f"{dag_id} {run_id} {task.task_id}"
        result = self.airflow.api.xcom(dag_id, run_id, task) or {}
        return Outcome(task.state, task.try_number, [job["job_id"] for job in jobs[name]], result.get("job_id"))


def is_decided(task, jobs, active):
    """Tell whether what the policy says for a job that is not found has been done."""
    if task.endswith(" submit"):
        return len(jobs) == 2
    return task in active and active[task]["try_number"] >= 3


def kill(processes):
    for process in processes:
        # A task may see that its worker is gone, and end.
        with suppress(psutil.NoSuchProcess):
            process.kill()


def kill_before_the_answer(stage):
    for kind, action in SUBMITS.items():
        stage.emulator.fault(action, "hang_after", count=4 if kind == "image" else 2, seconds=None)
    stage.start("task before the answer", BOTH)
    stage.start("not found", [UNCERTAIN], looks=2)
    stories = ("task before the answer", "not found")
    stage.wait_until_accepted(10, *stories)
    tasks = [process for story in stories for process in stage.processes(story)[0]]
    assert len(tasks) == 10
    kill(tasks)


def kill_during_the_wait(stage):
    for story in WAITING:
        stage.start(story, CRASHES[story])
    stage.wait_until_accepted(20, *WAITING)
    stage.until_asked(*WAITING)

    stage.service.service.kill()
    stage.service.start()
    stage.until_asked(*WAITING)
    victims = [story for story in WAITING if not story.startswith("emulator")]
    stage.play(held=victims)

    assert stage.processes("triggerer during the wait") == ([], [])
    stage.airflow.kill("triggerer")
    tasks, _ = stage.processes("task during the wait")
    more_tasks, workers = stage.processes("whole worker during the wait")
    assert [len(tasks), len(more_tasks), len(workers)] == [4, 4, 4]
    kill([*workers, *tasks, *more_tasks])
    stage.airflow.restart("triggerer")
    stage.until_asked(*victims)
    stage.play()


def clear(stage):
    for dag_id in BOTH:
        run_id = stage.runs["cleared", dag_id] = stage.runs["emulator during the wait", dag_id]
        stage.airflow.api.clear(dag_id, run_id, stage.airflow.api.task_instances(dag_id, run_id))
    stage.play()


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    never = [f"{action}=36000" for action in SUBMITS.values()]
    emulator = EmulatorService(tmp_path_factory.mktemp("emulator"), "--list-text-jobs", "--quiet", "--duration", *never)
    config = {
        "core": {"parallelism": "16"},
        # After which a task is given up whose whole worker was killed.
        "scheduler": {
            "task_instance_heartbeat_timeout": "20",
            "task_instance_heartbeat_timeout_detection_interval": "2",
        },
    }
    with emulator:
        # Nobody shall lose patience with a submit that hangs until its process is killed.
        env = {name: f"{uri}&read_timeout=3600" for name, uri in emulator.airflow_env.items()}
        dags, home = Path(__file__).parent / "dags", tmp_path_factory.mktemp("airflow")
        with LocalAirflow(home, dags, env=env, config=config) as airflow:
            for dag_id in (*BOTH, MAPPED, UNCERTAIN):
                airflow.api.unpause(dag_id)
            yield Stage(airflow, emulator)


@pytest.fixture(scope="module")
def played(stage):
    """Play everything that this module tells of, as much at a time as goes together."""
    kill_before_the_answer(stage)
    stage.start("task before the request", BOTH, looks=2)
    for crash in SELF_KILLED[1:]:
        stage.start(crash, CRASHES[crash])
    for story in ("monday", "tuesday"):
        stage.start(story, [MAPPED], crash="task before the id is noted")
    stage.start("first job fails", BOTH)
    stage.play()
    killed = [tasks for (story, dag_id), tasks in stage.outcomes.items() if story in SELF_KILLED or dag_id == MAPPED]
    assert len(list((stage.airflow.home / "crashed").iterdir())) == sum(map(len, killed))
    kill_during_the_wait(stage)
    clear(stage)
    return stage


@pytest.mark.parametrize("kind", SUBMITS)
@pytest.mark.parametrize(
    ("crash", "dag_id"), [(crash, dag_id) for crash, dag_ids in CRASHES.items() for dag_id in dag_ids]
)
def test_a_task_run_pays_for_one_job_whatever_crashes(played, crash_table, crash, dag_id, kind):
    outcome = played.outcomes[crash, dag_id][kind]
    crash_table(crash, kind, dag_id.removeprefix("crashes_"), outcome.tries, len(outcome.jobs))
    assert outcome.state == "success"
    assert outcome.tries >= CRASHES[crash][dag_id]
    assert outcome.jobs == [outcome.collected]


class TestAnImageJobThatIsLookedForTooBriefly:
    """It is found once it has drawn; here it still draws when the retry has looked enough."""

    @pytest.fixture
    def outcome_of(self, played, crash_table):
        def outcome_of(policy):
            outcome = played.outcomes["not found", UNCERTAIN][policy]
            crash = "task before the answer, looks too brief"
            crash_table(crash, "image", f"on_uncertain={policy}", outcome.tries, len(outcome.jobs))
            return outcome

        return outcome_of

    def test_submit_pays_for_two(self, outcome_of):
        outcome = outcome_of("submit")
        assert outcome.state == "success"
        assert len(outcome.jobs) == 2
        assert outcome.collected == outcome.jobs[1]

    def test_fail_fails_that_try_and_a_later_one_finds_the_job(self, outcome_of):
        outcome = outcome_of("fail")
        assert outcome.state == "success"
        assert outcome.tries >= 3
        assert outcome.jobs == [outcome.collected]


@pytest.mark.parametrize("kind", SUBMITS)
@pytest.mark.parametrize("dag_id", BOTH)
class TestAgain:
    def test_a_retry_after_a_failed_job_submits_exactly_one_more(self, played, dag_id, kind):
        outcome = played.outcomes["first job fails", dag_id][kind]
        assert outcome.state == "success"
        assert outcome.tries >= 2
        assert [outcome.collected] == outcome.jobs[1:]

    def test_clearing_a_finished_task_submits_exactly_one_more(self, played, dag_id, kind):
        before = played.outcomes["emulator during the wait", dag_id][kind]
        outcome = played.outcomes["cleared", dag_id][kind]
        assert outcome.state == "success"
        assert outcome.jobs == [before.collected, outcome.collected]


@pytest.mark.parametrize("kind", SUBMITS)
def test_mapped_instances_and_runs_with_equal_parameters_keep_to_their_own_jobs(played, kind):
    """All were killed before they had noted the id of the job that they had submitted."""
    submitted, collected = [], []
    for story in ("monday", "tuesday"):
        run_id = played.runs[story, MAPPED]
        for task in played.airflow.api.task_instances(MAPPED, run_id):
            if task.task_id == kind:
                log = map(str, played.airflow.api.task_log(MAPPED, run_id, task, try_number=1))
                (line,) = (line for line in log if "Submitted" in line)
                submitted.append(line.partition(" job ")[2].split()[0])
                outcome = played.outcomes[story, MAPPED][task.label]
                assert outcome.state == "success"
                collected.append(outcome.collected)
    assert collected == submitted
    assert sorted(submitted) == sorted(outcome.jobs)
    assert len(set(submitted)) == 4
