"""The data types for the parts of a job, such as the videos of a batch. Each part can fail separately."""

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

    :param index: Its position in the job; the first part has the index 0.
    :param error: The error code and message with which it fails; None if it succeeds.
    """

    index: int
    phase: Phase
    error: tuple[str, str] | None

    def error_fields(self) -> dict[str, Any]:
        """Return the response fields with the error code and message; empty unless the part has failed."""
        if self.phase is not Phase.FAILED or self.error is None:
            return {}
        return {"ErrorCode": self.error[0], "ErrorMessage": self.error[1]}


@dataclass(frozen=True)
class Parts:
    """
    Declares the parts of the jobs of one job kind.

    :param field: The field of the query response that lists the parts; empty if the kind's ``render`` function adds
        the parts to other fields.
    :param count: A function that returns the number of parts of a job, given the parameters of its submit request.
    :param render: A function that returns the response fields of one part, given the ``JobView`` of the job, and the
        part.
    """

    field: str
    count: Callable[[Parameters], int]
    render: Callable[[Any, Part], dict[str, Any]]
