"""Runs a task as Airflow does, including deferral and resumption, without a scheduler."""

from __future__ import annotations

import asyncio
import copy
import importlib
import json
import logging
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import Any, NoReturn, Self

import pytest
import structlog
from airflow.sdk.execution_time.context import OutletEventAccessors

from support.compat import AirflowRescheduleException, TaskDeferred


@dataclass
class Ti:
    """The fields of a task instance that the provider reads."""

    task: Any
    try_number: int = 1
    max_tries: int = 0
    dag_id: str = "dag"
    run_id: str = "run"
    map_index: int = -1
    start_date: datetime = field(default_factory=lambda: datetime.now(UTC))
    first_reschedule: datetime | None = None
    xcoms: dict[str, Any] = field(default_factory=dict)
    earlier: Sequence[TaskRun] = ()

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = json.loads(json.dumps(value))

    def xcom_pull(
        self, *, task_ids: str, key: str, include_prior_dates: bool, map_indexes: int | None = None, default: Any = None
    ) -> Any:
        """Return the value of the last run with a map index; without a map index, the only value or all values."""
        assert task_ids == self.task_id
        assert include_prior_dates
        runs = [(run.map_index, run.xcoms) for run in self.earlier]
        found = [
            xcoms[key]
            for map_index, xcoms in ((self.map_index, self.xcoms), *reversed(runs))
            if key in xcoms and map_indexes in (None, map_index)
        ]
        if map_indexes is not None:
            return found[0] if found else default
        return found[0] if len(found) == 1 else found or None

    @property
    def task_id(self) -> str:
        return str(self.task.task_id)

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        return self.first_reschedule


@dataclass
class DagRun:
    """The field of a DAG run that the provider reads."""

    start_date: datetime


class Store(dict[str, Any]):
    """A task state store whose values must be JSON of up to 64 KB, as in Airflow."""

    def set(self, key: str, value: Any) -> None:
        text = json.dumps(value)
        # Airflow also rejects tuples, which json.dumps accepts.
        assert json.loads(text) == value
        assert len(text) <= 64_000
        self[key] = json.loads(text)

    def delete(self, key: str) -> None:
        self.pop(key, None)


@dataclass
class TaskRun:
    """
    One task run, whose tries share a store, as in Airflow.

    :param task: The operator or sensor.
    :param store: The task state store; ``None`` for a version of Airflow without one.
    :param earlier: The earlier runs of the task, oldest first.
    """

    task: Any
    store: Store | None = field(default_factory=Store)
    retries: int = 3
    try_number: int = 0
    clears: int = 0
    events: list[Any] = field(default_factory=list)
    first_reschedule: datetime | None = None
    run_id: str = "run"
    map_index: int = -1
    dag_run_start: datetime = field(default_factory=lambda: datetime.now(UTC))
    xcoms: dict[str, Any] = field(default_factory=dict)
    outlet_events: OutletEventAccessors = field(default_factory=OutletEventAccessors)
    earlier: Sequence[TaskRun] = ()

    def new_process(self) -> tuple[Any, dict[str, Any]]:
        """Return the task and its context for the next process, without any state of the previous one."""
        self.process = task = copy.deepcopy(self.task)
        task.retries = self.retries
        ti = Ti(
            task,
            try_number=self.try_number,
            max_tries=self.retries + self.clears,
            first_reschedule=self.first_reschedule,
            run_id=self.run_id,
            map_index=self.map_index,
            xcoms=self.xcoms,
            earlier=self.earlier,
        )
        context: dict[str, Any] = {
            "ti": ti,
            "task": task,
            "dag_run": DagRun(self.dag_run_start),
            "outlet_events": self.outlet_events,
        }
        if self.store is not None:
            context["task_state_store"] = self.store
        return task, context

    def clear(self) -> None:
        """Clear the task, as a user does to rerun it."""
        self.clears = self.try_number

    def attempt(self) -> Any:
        """Run one try: execute the task; on deferral, run the trigger and resume; on reschedule, execute it again."""
        self.try_number += 1
        self.first_reschedule = None
        # Airflow deletes XComs and outlet events before each try, but keeps them during a deferral.
        self.xcoms.clear()
        self.outlet_events = OutletEventAccessors()
        resume: tuple[str, dict[str, Any]] | None = None
        while True:
            task, context = self.new_process()
            try:
                return task.execute(context) if resume is None else task.resume_execution(*resume, context)
            except TaskDeferred as deferred:
                event = run_trigger(deferred.trigger)
                self.events.append(event)
                resume = deferred.method_name, {**json.loads(json.dumps(deferred.kwargs or {})), "event": event}
            except AirflowRescheduleException:
                self.first_reschedule = self.first_reschedule or datetime.now(UTC)


def run_task(task: Any) -> Any:
    """Run a task once until it ends."""
    return TaskRun(task).attempt()


class KilledError(BaseException):
    """Ends a task where a test kills its process."""


def killed_in(
    monkeypatch: pytest.MonkeyPatch, module: ModuleType | type, function: str, task: Any, *, store: bool = True
) -> TaskRun:
    """Return a run whose try was killed when it called a function of a module."""

    def die(*_: Any, **__: Any) -> None:
        raise KilledError

    run = TaskRun(task) if store else TaskRun(task, store=None)
    with monkeypatch.context() as patch:
        patch.setattr(module, function, die)
        with pytest.raises(KilledError):
            run.attempt()
    return run


def rebuilt(trigger: Any) -> Any:
    """Return the trigger that a triggerer creates from the serialized form."""
    path, arguments = json.loads(json.dumps(trigger.serialize()))
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)(**arguments)


def run_trigger(trigger: Any) -> Any:
    """Run a trigger as a triggerer does, and return its only event as Airflow reads it from the database."""

    async def events() -> list[Any]:
        return [event.payload async for event in rebuilt(trigger).run()]

    (event,) = asyncio.run(events())
    return json.loads(json.dumps(event))


class TaskLog(logging.Handler):
    """The log messages of a task and its trigger, from the standard library and from structlog, in order."""

    def __init__(self) -> None:
        super().__init__()
        self._messages: list[tuple[str, str]] = []

    def lines(self, level: str | None = None) -> list[str]:
        """Return the messages of one level, or all messages."""
        return [message for message_level, message in self._messages if level in (None, message_level)]

    def emit(self, record: logging.LogRecord) -> None:
        """Store a message of the standard library's logging."""
        self._messages.append((record.levelname.lower(), record.getMessage()))

    def __call__(self, logger: Any, method: str, event: MutableMapping[str, Any]) -> NoReturn:
        """Store a message of structlog, as its last processor."""
        self._messages.append((method, str(event["event"])))
        raise structlog.DropEvent

    @classmethod
    @contextmanager
    def capture(cls) -> Iterator[Self]:
        """Capture both kinds of logging."""
        log, before = cls(), structlog.get_config()
        structlog.configure(processors=[structlog.stdlib.PositionalArgumentsFormatter(), log])
        root = logging.getLogger()
        level = root.level
        root.addHandler(log)
        root.setLevel(logging.INFO)
        try:
            yield log
        finally:
            root.removeHandler(log)
            root.setLevel(level)
            structlog.configure(**before)
