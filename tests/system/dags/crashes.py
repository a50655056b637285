"""
Four job kinds in tasks that kill themselves once with SIGKILL, at the point that the run's conf specifies.

``crashes_deferrable`` and ``crashes_synchronous`` differ in how they wait. All task instances of ``crashes_mapped``
submit the same parameters. ``crashes_uncertain`` has a task for each policy for a job that is not found.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.sdk import DAG

from airflow_provider_ims._submission import submitter as submission
from airflow_provider_ims._tasks import JobTask
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook
from airflow_provider_ims.operators.ims import (
    ImsSubmitAudioProduceJobOperator,
    ImsSubmitBatchMediaProducingJobOperator,
    ImsSubmitTextGenerateJobOperator,
)
from airflow_provider_ims.operators.vod import VodSubmitAIImageJobOperator

# Contains a file for each task that has already killed itself.
CRASHED = Path(os.environ["AIRFLOW_HOME"]) / "crashed"


@dataclass
class Crash:
    """
    Kills this process at a point in the code, the first time that its task reaches the point.

    :param task: A name of the task that is valid as a file name.
    """

    task: str

    def around(self, owner: Any, name: str, *, before: bool, when: Callable[..., bool] = lambda *_: True) -> None:
        """Kill the process right before or right after a call."""
        original = getattr(owner, name)

        def wrapped(*args: Any, **options: Any) -> Any:
            if before and when(*args):
                self.once()
            result = original(*args, **options)
            if not before and when(*args):
                self.once()
            return result

        setattr(owner, name, wrapped)

    def once(self) -> None:
        CRASHED.mkdir(exist_ok=True)
        with suppress(FileExistsError):
            (CRASHED / self.task).touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)


def submits(hook: Any, action: Any, parameters: Any) -> bool:
    return bool(action.name.startswith("Submit"))


def records_an_id(store: Any, key: str, value: Any) -> bool:
    return value["job_id"] is not None


# Each function receives the crash and the class of the task state store. The test causes all other crashes.
CRASHES: dict[str, Callable[[Crash, type], None]] = {
    "task before the request": lambda crash, _: crash.around(AlibabaCloudMediaHook, "_send", before=True, when=submits),
    "task before the id is recorded": lambda crash, store: crash.around(store, "set", before=True, when=records_an_id),
    "task before the wait": lambda crash, store: crash.around(store, "set", before=False, when=records_an_id),
    "task in the resume phase": lambda crash, _: crash.around(JobTask, "ended_jobs", before=True),
}


def arm(context: Any) -> None:
    """Prepare this process, which runs one phase of one try."""
    conf, ti = context["dag_run"].conf, context["ti"]
    # The search for a lost job continues for as long as a listing of the service may lag: 30 or 300 s. The emulator's
    # listings do not lag, so two more searches prove that there is no job. A search finds an image job only after the
    # test has ended it.
    submission._pauses = lambda seconds: [0.5] * conf.get("searches", 120) if seconds else []
    if conf["crash"] in CRASHES:
        crash = Crash(f"{ti.dag_id} {ti.run_id} {ti.task_id} {ti.map_index}")
        CRASHES[conf["crash"]](crash, type(context["task_state_store"]))


JOBS: dict[str, tuple[Any, dict[str, Any]]] = {
    "text": (
        ImsSubmitTextGenerateJobOperator,
        {"generate_config": {"keywords": "cake", "textLength": 20, "targetCount": 1}},
    ),
    "audio": (
        ImsSubmitAudioProduceJobOperator,
        {
            "input_config": "测试文本。",
            "editing_config": {"voice": "Siqi"},
            "output_config": {"bucket": "my_bucket", "object": "target_audio"},
        },
    ),
    "batch": (
        ImsSubmitBatchMediaProducingJobOperator,
        {
            "input_config": {"MediaGroupArray": [{"GroupName": "Group1", "MediaArray": ["****9d46c886****"]}]},
            "output_config": {"MediaURL": "http://xxx.oss-cn-shanghai.aliyuncs.com/xxx_{index}.mp4", "Count": 1},
        },
    ),
    "image": (
        VodSubmitAIImageJobOperator,
        {"video_id": "{{ run_id }} {{ ti.task_id }}", "ai_template_id": "ef1a8842cb9f"},
    ),
}


def crashing_dag(dag_id: str, *, task: str = "{{ dag.dag_id }} {{ run_id }} {{ ti.task_id }}", **arguments: Any) -> DAG:
    """Return a DAG whose jobs contain the name of their task in their UserData."""
    return DAG(
        dag_id,
        schedule=None,
        start_date=datetime(2026, 1, 1),
        max_active_tasks=100,
        default_args={
            "pre_execute": arm,
            "retries": 5,
            "retry_delay": timedelta(seconds=1),
            "poll_interval": 1,
            "timeout": 3600,
            "user_data": {"Extend": {"task": task}},
            **arguments,
        },
    )


for mode in ("deferrable", "synchronous"):
    with crashing_dag(f"crashes_{mode}", deferrable=mode == "deferrable"):
        for name, (operator, arguments) in JOBS.items():
            operator(task_id=name, **arguments)

with crashing_dag("crashes_mapped", task="{{ dag.dag_id }} {{ ti.task_id }}", deferrable=True):
    for name, (operator, arguments) in JOBS.items():
        equal = {"video_id": "the_same"} if name == "image" else {}
        operator.partial(task_id=name, **{**arguments, **equal}).expand(poll_interval=[1, 1])

with crashing_dag("crashes_uncertain", deferrable=True):
    operator, arguments = JOBS["image"]
    for policy in ("submit", "fail"):
        operator(task_id=policy, on_uncertain=policy, **arguments)
