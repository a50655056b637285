"""The options in the section ``[ims]`` of Airflow's configuration. This is the only module that reads them."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Generic, TypeVar

log = logging.getLogger(__name__)

T = TypeVar("T", float, int, bool)

SECTION = "ims"
_BOOLEANS = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}


@dataclass(frozen=True, kw_only=True)
class Option(Generic[T]):
    """
    One option.

    :param name: The name of the option.
    :param type: Its type, as shown in Airflow's configuration reference.
    :param description: Its meaning.
    :param default: The value if the option is missing or invalid.
    :param parse: A function that converts the configured string into the value. If the string is invalid, it raises a
        ``ValueError`` with the reason.
    """

    name: str
    type: str
    description: str
    default: T
    parse: Callable[[str], T]

    def get(self) -> T:
        """
        Return the configured value, or the default if the option is missing or invalid.

        An invalid value is logged as a warning and raises no error, so that tasks do not fail.
        """
        # Imported lazily: get_provider_info() must not import Airflow.
        from airflow.providers.common.compat.sdk import conf

        try:
            text = conf.get(SECTION, self.name, fallback=None)
            return self.default if text is None else self.parse(text)
        except Exception as error:  # noqa: BLE001 - the exception's class depends on Airflow's version
            _warn(f"[{SECTION}] {self.name}: {error}; using the default {self.default}")
            return self.default

    def as_provider_info(self) -> dict[str, Any]:
        """Return the description of the option in the schema of Airflow's ``provider_info``."""
        return {
            "description": self.description,
            "version_added": "0.1.0",
            "type": self.type,
            "example": None,
            "default": str(self.default),
        }


@cache
def _warn(message: str) -> None:
    """Log each warning only once per process, because some options are read often."""
    log.warning("Invalid option in Airflow's configuration: %s", message)


def _number(minimum: float, maximum: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not minimum <= number <= maximum:
            raise ValueError(f"{text!r} is not a number from {minimum:g} to {maximum:,.0f}")
        return number

    return parse


def _whole_number(maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = -1
        if not 0 <= number <= maximum:
            raise ValueError(f"{text!r} is not an integer from 0 to {maximum:,}")
        return number

    return parse


def _boolean(text: str) -> bool:
    if text.strip().lower() not in _BOOLEANS:
        raise ValueError(f"{text!r} is not a boolean: use True or False")
    return _BOOLEANS[text.strip().lower()]


POLL_INTERVAL = Option(
    name="poll_interval",
    type="float",
    description="The default ``poll_interval`` of operators and the default ``poke_interval`` of sensors, in seconds.",
    default=10.0,
    parse=_number(1, 86_400),
)
MAX_REQUESTS_PER_SECOND = Option(
    name="max_requests_per_second",
    type="float",
    description=(
        "The maximum number of requests per second from each poller and from each task with many jobs. A poller "
        "queries the jobs of deferred tasks. A triggerer has one poller for each connection, region and group of job "
        "kinds with the same query action. The rate is lower while the service throttles requests."
    ),
    default=100.0,
    parse=_number(0.5, 1000),
)
MAX_JOBS_PER_SWEEP = Option(
    name="max_jobs_per_sweep",
    type="integer",
    description=(
        "A poller in a triggerer can list all unfinished jobs of its job kinds in the account and region (a sweep) "
        "instead of querying each job by its id. This option is the maximum number of jobs in a sweep, including jobs "
        "that other systems submitted. If there are more, the poller queries each job by its id. 0 disables sweeps."
    ),
    default=100_000,
    # One listing returns at most a thousand pages of a hundred jobs.
    parse=_whole_number(100_000),
)
FREEZE_GARBAGE_COLLECTOR = Option(
    name="freeze_garbage_collector",
    type="boolean",
    description=(
        "Exempt waiting triggers from Python's garbage collection: a triggerer calls ``gc.freeze()`` once for every "
        "200 jobs that its triggers start to wait for, and ``gc.unfreeze()`` when no trigger waits for a job any more. "
        "With ten thousand waiting tasks, this avoids event loop stalls of 100 to 200 ms. The option affects the whole "
        "triggerer process, including the triggers of other providers."
    ),
    default=False,
    parse=_boolean,
)

MEDIA_PAGES = Option(
    name="media_pages",
    type="boolean",
    description=(
        "Show the output of jobs on pages of the API server, and add a link to each task. If ``False`` on the API "
        "server, the pages respond with 404; if ``False`` on the workers, tasks have no link to the pages."
    ),
    default=True,
    parse=_boolean,
)

OPTIONS: tuple[Option[Any], ...] = (
    POLL_INTERVAL,
    MAX_REQUESTS_PER_SECOND,
    MAX_JOBS_PER_SWEEP,
    FREEZE_GARBAGE_COLLECTOR,
    MEDIA_PAGES,
)
