"""Starts services again that have ended by themselves, as systemd or Kubernetes does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from local_airflow.service import LocalAirflowError, Service

_LOOK_SECONDS = 0.2


@dataclass(frozen=True)
class Restart:
    """
    A service that was started again.

    :param service: Its name.
    :param exit_code: What it had ended with.
    :param time: When it was started again, in epoch seconds.
    """

    service: str
    exit_code: int | None
    time: float


class Supervisor:
    """
    Watches services, and starts each again that ends (systemd: ``Restart=always``).

    As a context manager it watches until the end of the block. End the services after it, not before.

    :param services: The services by name.
    :param delay: Seconds between an end and the start after it (systemd: ``RestartSec``).
    """

    def __init__(self, services: Mapping[str, Service], delay: float = 2.0) -> None:
        self.restarts: list[Restart] = []
        self._services = dict(services)
        self._delay = delay
        self._held: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor")

    def __enter__(self) -> Supervisor:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop watching; the services run on."""
        self._ended.set()
        self._thread.join()

    @contextmanager
    def held(self, *names: str) -> Iterator[None]:
        """Leave some services alone while the block runs: it ends and starts them itself."""
        with self._lock:
            self._held.update(names)
        try:
            yield
        finally:
            with self._lock:
                self._held.difference_update(names)

    def _watch(self) -> None:
        gone: dict[str, float] = {}
        while not self._ended.wait(_LOOK_SECONDS):
            for name, service in self._services.items():
                # Held while it starts one, so that nobody else starts or ends it meanwhile.
                with self._lock:
                    if name in self._held or service.running:
                        gone.pop(name, None)
                    elif time.monotonic() - gone.setdefault(name, time.monotonic()) >= self._delay:
                        self._restart(name, service)
                        del gone[name]

    def _restart(self, name: str, service: Service) -> None:
        exit_code = service.exit_code
        try:
            service.start()
        except (LocalAirflowError, OSError):
            # What an ended service left behind may take a while to go; the next look tries again.
            return
        self.restarts.append(Restart(name, exit_code, time.time()))
