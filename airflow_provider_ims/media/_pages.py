"""Renders the pages from the data that the tasks have recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined

from airflow_provider_ims.exceptions import ImsError, ImsRequestError
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook
from airflow_provider_ims.hooks._oss import can_presign
from airflow_provider_ims.hooks._registry import hook_class_of
from airflow_provider_ims.hooks._settings import Settings
from airflow_provider_ims.media._records import Key, TaskRecord
from airflow_provider_ims.media._results import JobRecord
from airflow_provider_ims.media._signing import INSTALL
from airflow_provider_ims.media._tree import Node, tree
from airflow_provider_ims.media._view import MAX_SHOWN, JobView, job_view

#: The maximum number of jobs on the page of a task, and of tasks on the page of a DAG run.
PAGE_SIZE = 50
#: The maximum number of jobs of each task on the page of a DAG run.
JOBS_OF_TASK = 12
#: The maximum number of characters of a text on a page.
MAX_TEXT = 4000


@dataclass(frozen=True, slots=True)
class JobEntry:
    """
    A job on a page.

    :param record: The job as recorded by its task.
    :param view: The output of the job.
    :param tree: The fields in ``view.rest``, as a tree.
    :param console: The URL of the job in the console; ``None`` if there is none.
    """

    record: JobRecord
    view: JobView
    tree: list[Node]
    console: str | None


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """
    A task on a page, with the jobs that the page shows.

    :param record: The task, with the data that it has recorded.
    :param jobs: The jobs on the page.
    :param settings: The settings of the task's connection; ``None`` if they cannot be read.
    :param problems: Messages about what cannot be shown or opened, and why.
    :param query: The query parameters of the URLs that belong to the task.
    """

    record: TaskRecord
    jobs: list[JobEntry]
    settings: Settings | None
    problems: list[str]
    query: dict[str, Any]


def connected_hook(task: TaskRecord) -> AlibabaCloudMediaHook:
    """
    Return a hook with the settings of the connection that the task used.

    :raises ImsError: If the connection cannot be read or is incomplete, or the record is not valid.
    """
    if not isinstance(task.ims_conn_id, str | None):
        raise ImsRequestError("The record of the task contains no valid connection id", field="ims_conn_id")
    hook = hook_class_of(task.product)(ims_conn_id=task.ims_conn_id, region_id=task.region_id)
    problem = ""
    try:
        _ = hook.settings
    except ImsError:
        raise
    except Exception as error:  # noqa: BLE001
        # A secrets backend may raise any exception, and its message may contain a secret.
        problem = f"Connection {task.ims_conn_id} could not be read ({type(error).__name__})"
    if problem:
        raise ImsError(problem)
    return hook


def view_of(task: TaskRecord, job: JobRecord) -> JobView:
    """Return the output of a job."""
    return job_view(job.result, ids_are_outputs=task.product.code == "ice")


def task_entry(task: TaskRecord, start: int, count: int) -> TaskEntry:
    """Return a task with up to ``count`` of its jobs, from the index ``start``."""
    hook, problems = None, [task.problem] if task.problem else []
    try:
        hook = connected_hook(task)
    except ImsError as error:
        problems.append(str(error))
    try:
        jobs = task.results.jobs(start, count)
    except ImsError as error:
        problems.append(str(error))
        jobs = task.results.without_results(start, count)
    entries = []
    for job in jobs:
        view = view_of(task, job)
        console = hook.console_link(job.job_id) if hook is not None and job.job_id else None
        entries.append(JobEntry(job, view, tree(view.rest), console))
    return TaskEntry(task, entries, None if hook is None else hook.settings, problems, task_query(task.key))


def task_query(key: Key) -> dict[str, Any]:
    """Return the query parameters of the URLs that belong to a task instance."""
    mapped = {"map_index": key.map_index} if key.map_index >= 0 else {}
    return {"run_id": key.run_id, "task_id": key.task_id, **mapped}


@dataclass(frozen=True, slots=True)
class Paging:
    """
    A page of a list.

    :param page: The number of the page, counted from 1.
    :param total: The number of items in the list.
    """

    page: int
    total: int

    @property
    def start(self) -> int:
        """The index of the first item on the page."""
        return (self.page - 1) * PAGE_SIZE

    @property
    def last(self) -> int:
        """The number of pages."""
        return max(1, ceil(self.total / PAGE_SIZE))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("airflow_provider_ims.media"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"query": _query, "clock": _clock}
    return environment


def _query(parameters: Mapping[str, Any], **more: Any) -> str:
    return urlencode({**parameters, **more})


def _clock(seconds: Any) -> str:
    if not isinstance(seconds, (int, float)):
        return ""
    minutes, rest = divmod(max(0.0, float(seconds)), 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{rest:04.1f}" if hours else f"{minutes}:{rest:04.1f}"


def render(template: str, root: str, **values: Any) -> bytes:
    """
    Return the HTML of a page in UTF-8.

    :param template: The file name of the page's template.
    :param root: The path under which the application is mounted.
    :param values: Further values for the template.
    """
    return (
        _environment()
        .get_template(template)
        .render(
            root=root,
            max_shown=MAX_SHOWN,
            max_text=MAX_TEXT,
            install=None if can_presign() else INSTALL,
            **values,
        )
        # Messages of services and storage libraries may contain lone surrogates.
        .encode(errors="replace")
    )
