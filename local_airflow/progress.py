"""The demo's progress display: a live table on a terminal, otherwise one line for each change."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.live import Live
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from local_airflow.api import AirflowApi, TaskState

_STYLES = {
    "success": "green",
    "failed": "red",
    "upstream_failed": "red",
    "deferred": "cyan",
    "running": "yellow",
}
_WAITING = {None, "scheduled", "queued"}
_PROVIDER = "airflow_provider_ims"


@contextmanager
def show_progress(
    console: Console, api: AirflowApi, dag_id: str, run_id: str
) -> Iterator[Callable[[list[TaskState]], None]]:
    """Yield a function that shows the current state of the tasks."""
    messages = _LatestMessages(api, dag_id, run_id)
    if console.is_terminal:
        with Live(console=console, auto_refresh=False) as live:
            yield lambda tasks: live.update(_table(tasks, messages), refresh=True)
    else:
        yield _Lines(console, messages)


def jobs_table(api: AirflowApi, dag_id: str, run_id: str) -> Table:
    """Return a table of a run's jobs, built from the results of its tasks."""
    table = Table(title="Jobs", title_justify="left")
    for heading in ("Kind", "Job id", "State", "Seconds", "Result"):
        table.add_column(heading, justify="right" if heading == "Seconds" else "left", overflow="fold")
    for task in api.task_instances(dag_id, run_id):
        result = api.xcom(dag_id, run_id, task)
        if isinstance(result, dict) and "job_id" in result:
            table.add_row(
                job_kind(task.operator),
                result["job_id"],
                result["state"],
                f"{task.seconds or 0:.1f}",
                escape(outcome(result)),
            )
    return table


def job_kind(operator: str) -> str:
    """Return the job kind in the name of an operator class, such as ``TextGenerate``, or else the name of the class."""
    match = re.fullmatch(r"(?:Ims|Vod)Submit(\w+)JobOperator", operator)
    return match[1] if match else operator


def outcome(result: dict[str, Any]) -> str:
    """Summarize the result of an operator, with one line for each kind of output."""
    found = []
    if texts := result.get("texts"):
        found.append(f"texts ({len(texts)}): {texts[0]}")
    if url := result.get("media_url"):
        found.append(f"sentences ({len(result.get('sentences') or [])}): {url}")
    if videos := result.get("videos"):
        found.append(f"videos ({len(videos)}): {videos[0]['media_url']}")
    if failed := result.get("failed"):
        found.append(f"failed videos ({len(failed)}): {failed[0]['error_code']}")
    if images := result.get("images"):
        best = max(images, key=lambda image: image["score"])
        found.append(f"images ({len(images)}), best score {best['score']:.2f}: {best['url']}")
    return "\n".join(found)


class _LatestMessages:
    """The latest message that the provider logged for each task. A log is read only while it can change."""

    def __init__(self, api: AirflowApi, dag_id: str, run_id: str) -> None:
        self._api = api
        self._run = (dag_id, run_id)
        self._seen: dict[str, tuple[str | None, str]] = {}

    def __call__(self, task: TaskState) -> str:
        before, message = self._seen.get(task.id, (None, ""))
        if task.state not in _WAITING and not (task.state == before and task.ended):
            lines = [line for line in self._api.task_log(*self._run, task) if _PROVIDER in line.logger]
            message = lines[-1].message if lines else ""
        self._seen[task.id] = (task.state, message)
        return message


class _Lines:
    """Prints a line whenever a task's state or latest message changes."""

    def __init__(self, console: Console, messages: _LatestMessages) -> None:
        self._console = console
        self._messages = messages
        self._start = time.monotonic()
        self._seen: dict[str, tuple[str | None, str]] = {}

    def __call__(self, tasks: list[TaskState]) -> None:
        for task in tasks:
            now = (task.state, self._messages(task))
            if task.state is not None and self._seen.get(task.id) != now:
                self._seen[task.id] = now
                self._console.print(
                    f"{time.monotonic() - self._start:6.1f} s  {task.label:<16} {task.state:<10} "
                    f"{task.seconds or 0:5.1f} s  {now[1]}".rstrip(),
                    markup=False,
                    soft_wrap=True,
                )


def _table(tasks: list[TaskState], messages: _LatestMessages) -> Table:
    table = Table()
    for heading in ("Task", "State", "Seconds", "Latest message"):
        table.add_column(heading, justify="right" if heading == "Seconds" else "left", overflow="fold")
    for task in tasks:
        state = task.state or "waiting"
        style = _STYLES.get(state, "dim")
        seconds = "" if task.seconds is None else f"{task.seconds:.1f}"
        table.add_row(task.label, f"[{style}]{state}[/]", seconds, escape(messages(task)))
    return table
