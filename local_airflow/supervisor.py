"""Restarts services that exit, as systemd or Kubernetes does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from local_airflow.service import LocalAirflowError, Service

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Restart:
    """
    One restart of a service.

    :param service: The name of the service.
    :param exit_code: The exit code with which the service had exited.
    :param time: The time of the restart, in epoch seconds.
    """

    service: str
    exit_code: int | None
    time: float


class Supervisor:
    """
    Restarts each service that exits (systemd: ``Restart=always``).

    It is a context manager. To stop the services, first leave its block; within the block, it would restart them.

    :param services: The services by name.
    :param delay: Seconds between an exit and the restart (systemd: ``RestartSec``).
    """

    def __init__(self, services: Mapping[str, Service], delay: float = 2.0) -> None:
        self.restarts: list[Restart] = []
        self._services = dict(services)
        self._delay = delay
        self._suspended: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor")

    def __enter__(self) -> Supervisor:
        """Start supervising the services."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop supervising; the services keep running."""
        self._ended.set()
        self._thread.join()

    @contextmanager
    def suspended(self, *names: str) -> Iterator[None]:
        """Do not restart the given services while the block runs, because the block itself stops and starts them."""
        with self._lock:
            self._suspended.update(names)
        try:
            yield
        finally:
            with self._lock:
                self._suspended.difference_update(names)

    def _watch(self) -> None:
        exited_at: dict[str, float] = {}
        while not self._ended.wait(_POLL_SECONDS):
            for name, service in self._services.items():
                # The lock is held during a restart, so that a block of `suspended` cannot begin in the meantime.
                with self._lock:
                    if name in self._suspended or service.running:
                        exited_at.pop(name, None)
                    elif time.monotonic() - exited_at.setdefault(name, time.monotonic()) >= self._delay:
                        self._restart(name, service)
                        del exited_at[name]

    def _restart(self, name: str, service: Service) -> None:
        exit_code = service.exit_code
        try:
            service.start()
        except (LocalAirflowError, OSError):
            # Processes that the service left behind may still be exiting. The next iteration tries again.
            return
        self.restarts.append(Restart(name, exit_code, time.time()))
