"""Functions for command-line programs: exclusive use of a folder, and a clean shutdown after a termination signal."""

from __future__ import annotations

import fcntl
import shutil
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from local_airflow.service import END_SIGNALS, LocalAirflowError

ENDED_BY_SIGNAL = 130


@contextmanager
def exclusive_folder(home: Path, what: str, names: Iterable[str]) -> Iterator[Path]:
    """
    Lock a folder while the block runs.

    :param home: The folder; created if it does not exist.
    :param what: The name of the command, for the error message.
    :param names: Folders of an earlier run, which are removed first.
    :raises LocalAirflowError: If another process has locked the folder.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalAirflowError(f"another {what} is running in {home}") from None
        for name in names:
            shutil.rmtree(home / name, ignore_errors=True)
        yield home


def interrupt_on_signals() -> None:
    """Raise KeyboardInterrupt in the main thread on the first termination signal."""
    for signum in END_SIGNALS:
        signal.signal(signum, _interrupt)


def ignore_signals() -> None:
    """Ignore termination signals from now on, so that they do not interrupt the shutdown."""
    for signum in END_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


def _interrupt(*_: object) -> None:
    # A second signal must not interrupt the shutdown.
    ignore_signals()
    raise KeyboardInterrupt
