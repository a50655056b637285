"""Programs that run in sessions of their own, and that can be ended to the last process."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path


# What ends a program that a user or a CI service has enough of.
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LocalAirflowError(Exception):
    """Something did not start, did not finish in time, or did not end."""


def until(what: str, look: Callable[[], bool], timeout: float, interval: float = 0.2) -> None:
    """
    Call ``look`` until it is true.

    :param what: What is awaited, for the error.
    :param look: Called every ``interval`` seconds.
    :param timeout: Seconds after which to give up.
    :raises LocalAirflowError: When time is up.
    """
    deadline = time.monotonic() + timeout
    while not look():
        if time.monotonic() > deadline:
            raise LocalAirflowError(f"no {what} within {timeout:g} s")
        time.sleep(interval)


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put signals off while a process is started: one whose id was never noted could not be ended."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    handlers = {number: signal.signal(number, lambda got, _: came.append(got)) for number in END_SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for missed in came:
        signal.raise_signal(missed)


class Service:
    """
    One program in a session of its own.

    A session and not only a process group: Airflow puts each task into a new process group, which a signal
    to its scheduler's group does not reach, but it never leaves the session. PostgreSQL gives each of its processes a
    session of its own; those are found as descendants.

    :param name: What messages call it.
    :param argv: The command.
    :param env: The whole environment; nothing is inherited.
    :param log: File to which its output is added.
    :param cwd: Its working directory.
    :param stop_signal: The signal that asks it to end.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        cwd: Path,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self.stop_signal = stop_signal
        self.started_at = 0.0
        self._log_start = 0
        self._argv = list(argv)
        self._env = dict(env)
        self._cwd = cwd
        self._leader: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, unless it runs already; what a crashed one left behind is ended first."""
        if self.running:
            return
        end([self], grace=0)
        self.started_at = time.time()
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log, _uninterrupted():
            self._leader = subprocess.Popen(
                self._argv,
                cwd=self._cwd,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether the program itself runs; processes that it left behind do not count."""
        return self._leader is not None and self._leader.poll() is None

    @property
    def exit_code(self) -> int | None:
        """What the program ended with; None before it has."""
        return None if self._leader is None else self._leader.poll()

    def check_running(self) -> None:
        """
        Raise if the program is gone.

        :raises LocalAirflowError: With the end of its output.
        """
        if not self.running:
            raise LocalAirflowError(f"{self.name} ended with exit code {self.exit_code}:\n{self.tail()}")

    def complete(self, timeout: float) -> None:
        """
        Run a program that ends by itself.

        :param timeout: Seconds after which to give up.
        :raises LocalAirflowError: If it fails or does not end in time, with the end of its output.
        """
        self.start()
        try:
            until(f"end of {self.name}", lambda: not self.running, timeout)
        finally:
            code = self.exit_code
            end([self])
        if code != 0:
            raise LocalAirflowError(f"{self.name} failed:\n{self.tail()}")

    def processes(self) -> list[psutil.Process]:
        """Return every living process of the session, orphans included, and their descendants."""
        leader = self._leader
        if leader is None:
            return []
        living: dict[int, tuple[psutil.Process, int]] = {}
        found: set[int] = set()
        for process in psutil.process_iter():
            try:
                if process.status() == psutil.STATUS_ZOMBIE:
                    continue
                living[process.pid] = process, process.ppid()
                if os.getsid(process.pid) == leader.pid:
                    found.add(process.pid)
            except (ProcessLookupError, PermissionError, psutil.Error):
                continue
        more = found
        while more:
            more = {pid for pid, (_, parent) in living.items() if parent in more} - found
            found |= more
        return [living[pid][0] for pid in sorted(found) if pid in living]

    def cpu_seconds(self) -> float:
        """
        Return the CPU seconds that its processes have used since its start.

        Those of a process that has ended count with its parent, once that has collected it.
        """
        used = 0.0
        for process in self.processes():
            with suppress(psutil.Error):
                times = process.cpu_times()
                used += times.user + times.system
                used += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return used

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal to every process group of the session."""
        groups = set()
        for process in self.processes():
            with suppress(ProcessLookupError):
                groups.add(os.getpgid(process.pid))
        for group in groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signum)

    def kill(self) -> None:
        """End it without a chance to tidy up, as a crash would."""
        end([self], grace=0)

    def tail(self, lines: int = 40) -> str:
        """Return the end of its output."""
        if not self.log.exists():
            return "(no output)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) or "(no output)"

    def output_since_start(self) -> str:
        """Return what it has written since it was last started."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def reap(self) -> None:
        """Collect the exit code; for after the end."""
        if self._leader is not None:
            self._leader.wait()
            self._leader = None


def end(services: Iterable[Service], grace: float = 3.0) -> None:
    """
    End services together: the stop signal of each, and SIGKILL for what is left.

    :param services: What to end; those that do not run are fine.
    :param grace: Seconds between the two signals.
    :raises LocalAirflowError: If a process survives both.
    """
    services = list(services)

    def left() -> list[psutil.Process]:
        return [process for service in services for process in service.processes()]

    def killed() -> bool:
        # Again at every look: a process may have been forked while the first signals went out.
        for service in services:
            service.signal(signal.SIGKILL)
        return not left()

    if grace and left():
        for service in services:
            service.signal(service.stop_signal)
        deadline = time.monotonic() + grace
        while left() and time.monotonic() < deadline:
            time.sleep(0.1)
    until(f"end of {', '.join(service.name for service in services)}", killed, timeout=120, interval=0.1)
    for service in services:
        service.reap()
