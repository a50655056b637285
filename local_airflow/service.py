"""Runs programs in separate sessions, so that all their processes can be stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path


# The signals with which a user or a CI service terminates a program.
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LocalAirflowError(Exception):
    """Airflow or another service failed, did not respond in time, or cannot be run."""


def wait_until(what: str, condition: Callable[[], bool], timeout: float, interval: float = 0.2) -> None:
    """
    Wait until a condition holds.

    :param what: A noun phrase for the error message.
    :param condition: A function that returns whether the condition holds; it is called every ``interval`` seconds.
    :param timeout: Maximum number of seconds to wait.
    :raises LocalAirflowError: On a timeout.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise LocalAirflowError(f"timed out after {timeout:g} s waiting for {what}")
        time.sleep(interval)


def free_port() -> int:
    """Return a free port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Delay signals while a process is started, because the process cannot be stopped before its id is stored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    handlers = {number: signal.signal(number, lambda signum, _: received.append(signum)) for number in END_SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for signum in received:
        signal.raise_signal(signum)


class Service:
    """
    A program that runs in a new session, with all of its processes.

    A process group would not suffice: Airflow starts each task in a new process group, so a signal to the scheduler's
    group does not reach the tasks. The tasks stay in the scheduler's session. PostgreSQL starts each of its processes
    in a new session; these processes are found as descendants of the program.

    :param name: Its name in messages.
    :param argv: The command.
    :param env: The complete environment; no variables are inherited.
    :param log: File to which its output is appended.
    :param cwd: Its working directory.
    :param stop_signal: The signal for a graceful shutdown.
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
        """Start the program if it is not running. Processes that a crash left behind are killed first."""
        if self.running:
            return
        stop_services([self], grace=0)
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
        """Whether the program is running, regardless of processes that it left behind."""
        return self._leader is not None and self._leader.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while the program is running, before its start and after it was stopped."""
        return None if self._leader is None else self._leader.poll()

    def check_running(self) -> None:
        """
        Check that the program is running.

        :raises LocalAirflowError: If it has exited; the message contains the end of its output.
        """
        if not self.running:
            raise LocalAirflowError(f"{self.name} exited with code {self.exit_code}:\n{self.tail()}")

    def run_to_completion(self, timeout: float) -> None:
        """
        Start the program and wait until it exits.

        :param timeout: Maximum number of seconds to wait.
        :raises LocalAirflowError: If it fails or does not exit in time.
        """
        self.start()
        try:
            wait_until(f"the exit of {self.name}", lambda: not self.running, timeout)
        finally:
            code = self.exit_code
            stop_services([self])
        if code != 0:
            raise LocalAirflowError(f"{self.name} failed:\n{self.tail()}")

    def processes(self) -> list[psutil.Process]:
        """Return all running processes of the session, including orphaned processes, and their descendants."""
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
        Return the CPU seconds that the program's processes have used since its start.

        The CPU time of an exited process is attributed to its parent once the parent has reaped it.
        """
        used = 0.0
        for process in self.processes():
            with suppress(psutil.Error):
                times = process.cpu_times()
                used += times.user + times.system
                used += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
        return used

    def signal(self, signum: signal.Signals) -> None:
        """Send a signal to the process groups of all processes of the program."""
        groups = set()
        for process in self.processes():
            with suppress(ProcessLookupError):
                groups.add(os.getpgid(process.pid))
        for group in groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signum)

    def kill(self) -> None:
        """Kill all processes with SIGKILL, so that they cannot clean up, as in a crash."""
        stop_services([self], grace=0)

    def tail(self, lines: int = 40) -> str:
        """Return the last lines of the program's output."""
        if not self.log.exists():
            return "(no output)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) or "(no output)"

    def output_since_start(self) -> str:
        """Return the program's output since its last start."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def reap(self) -> None:
        """Remove the stopped program from the process table."""
        if self._leader is not None:
            self._leader.wait()
            self._leader = None


class StartStopContext(ABC):
    """Starts in a ``with`` statement and stops at the end of its block."""

    @abstractmethod
    def start(self) -> None:
        """Start and wait until ready."""

    @abstractmethod
    def stop(self) -> None:
        """Stop, even after a failed start."""

    def __enter__(self) -> Self:
        """Start; stop again if this fails."""
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the service."""
        self.stop()


def stop_services(services: Iterable[Service], grace: float = 3.0) -> None:
    """
    Stop services in parallel: send each service its stop signal, then send SIGKILL to the remaining processes.

    :param services: The services; those that are not running are ignored.
    :param grace: The maximum number of seconds between the two signals; 0 to send only SIGKILL.
    :raises LocalAirflowError: If a process is still running two minutes after SIGKILL.
    """
    services = list(services)

    def remaining() -> list[psutil.Process]:
        return [process for service in services for process in service.processes()]

    def killed() -> bool:
        # Repeat the signal on each call: a process may have forked while the signals were sent.
        for service in services:
            service.signal(signal.SIGKILL)
        return not remaining()

    if grace and remaining():
        for service in services:
            service.signal(service.stop_signal)
        deadline = time.monotonic() + grace
        while remaining() and time.monotonic() < deadline:
            time.sleep(0.1)
    names = ", ".join(service.name for service in services)
    wait_until(f"the exit of {names}", killed, timeout=120, interval=0.1)
    for service in services:
        service.reap()
