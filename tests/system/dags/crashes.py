"""
The four job types, in tasks that die once where the run's conf says, as in a crash: by SIGKILL.

``crashes_deferrable`` and ``crashes_synchronous`` differ in how they wait; all instances of ``crashes_mapped`` submit
the same parameters; ``crashes_uncertain`` has both policies for a job that cannot be found.
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

from airflow_provider_ims.hooks.base import AlibabaCloudMediaHook
from airflow_provider_ims.operators.ims import (
    ImsSubmitAudioProduceJobOperator,
    ImsSubmitBatchMediaProducingJobOperator,
    ImsSubmitTextGenerateJobOperator,
)
from airflow_provider_ims.operators.vod import VodSubmitAIImageJobOperator
from airflow_provider_ims.submission import submitter as submission
from airflow_provider_ims.tasks import JobTask

# Kept outside the process that dies: who has died already.
CRASHED = Path(os.environ["AIRFLOW_HOME"]) / "crashed"


@dataclass
class Crash:
    """
    The end of this process at a point, the first time that its task comes there.

    :param task: The task, by a name that is good for a file.
    """

    task: str

    def around(self, owner: Any, name: str, *, before: bool, when: Callable[..., bool] = lambda *_: True) -> None:
        """Die right before or right after a call."""
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


def notes_an_id(store: Any, key: str, value: Any) -> bool:
    return value["job_id"] is not None


# Each is given the class of the task state store. All other crashes come from outside.
CRASHES: dict[str, Callable[[Crash, type], None]] = {
    "task before the request": lambda crash, _: crash.around(AlibabaCloudMediaHook, "_send", before=True, when=submits),
    "task before the id is noted": lambda crash, store: crash.around(store, "set", before=True, when=notes_an_id),
    "task before the wait": lambda crash, store: crash.around(store, "set", before=False, when=notes_an_id),
    "task in the resume phase": lambda crash, _: crash.around(JobTask, "ended_jobs", before=True),
}


def arm(context: Any) -> None:
    """Prepare this process, which runs nothing but one phase of one try."""
    conf, ti = context["dag_run"].conf, context["ti"]
    # A lost job is looked for as long as a listing of the service may lag, 30 or 300 s. The emulator's do not lag: two
    # more looks tell that there is no job. An image job is there once the test lets it end, whenever that is.
    submission._pauses = lambda seconds: [0.5] * conf.get("looks", 120) if seconds else []
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
    """Make a DAG whose jobs tell in their UserData which task they are for."""
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
