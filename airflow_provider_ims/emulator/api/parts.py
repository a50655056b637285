"""The parts of a job, such as the videos of a batch, which can fail separately."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims.emulator.api.parameters import Parameters
from airflow_provider_ims.emulator.state.store import Phase


@dataclass(frozen=True)
class Part:
    """
    One part of a job, such as a video of a batch.

    :param error: Its error code and message if it fails.
    """

    index: int
    phase: Phase
    error: tuple[str, str] | None

    def error_fields(self) -> dict[str, Any]:
        """Return the error code and message of a failed part."""
        if self.phase is not Phase.FAILED or self.error is None:
            return {}
        return {"ErrorCode": self.error[0], "ErrorMessage": self.error[1]}


@dataclass(frozen=True)
class Parts:
    """
    The parts of the jobs of a kind; each can fail separately.

    :param field: The field of the query response that lists them; empty if the kind's other fields do.
    :param count: Returns the number of parts that a request creates.
    :param render: Returns the fields of one part, from the view of the job and the part.
    """

    field: str
    count: Callable[[Parameters], int]
    render: Callable[[Any, Part], dict[str, Any]]
