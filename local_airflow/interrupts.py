"""What the commands share: a folder of their own, and an orderly end by Ctrl-C."""

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
def own_folder(home: Path, what: str, names: Iterable[str]) -> Iterator[Path]:
    """
    Keep a folder to ourselves while the block runs.

    :param home: The folder; made if it is missing.
    :param what: What runs in it, for the message to a second one.
    :param names: Files and folders of an earlier run in it, which are removed.
    :raises LocalAirflowError: If another process has it.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalAirflowError(f"another {what} runs in {home}") from None
        for name in names:
            shutil.rmtree(home / name, ignore_errors=True)
        yield home


def interrupt_on_signals() -> None:
    """Raise KeyboardInterrupt in the main thread at the first of the signals that end a program."""
    for signum in END_SIGNALS:
        signal.signal(signum, _interrupt)


def ignore_signals() -> None:
    """Ignore those signals from now on, while everything is being stopped."""
    for signum in END_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)


def _interrupt(*_: object) -> None:
    # From here on everything is being stopped, which a second Ctrl-C must not cut short.
    ignore_signals()
    raise KeyboardInterrupt
