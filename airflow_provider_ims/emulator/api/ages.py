"""
The documented maximum age of the jobs that an action returns.

Sources: the API pages and the docstrings of the product SDKs. For actions that are not in the table, no maximum is
documented, so the emulator returns jobs of any age.
"""

from __future__ import annotations

from collections.abc import Mapping

#: Key (see ``key_of``) of an action that queries or lists jobs -> the maximum age in days.
MAX_DAYS: Mapping[str, int] = {
    "GetBatchMediaProducingJob": 365,
    # Documented as six months.
    "GetJobDetail": 184,
    "GetLiveEditingJob": 365,
    "GetMediaProducingJob": 365,
    "GetSmartHandleJob": 365,
    "GetTranscodeTask": 365,
    "GetWorkflowTask": 365,
    "ListWorkflowTasks": 90,
    # Documented as three months.
    "QueryMediaCensorJobList": 92,
    # The documentation of SubmitSmarttagJob specifies this age.
    "QuerySmarttagJob": 180,
}


def earliest_submission(action: str, now: float) -> float | None:
    """
    Return the earliest submission time of the jobs that an action returns; None if no maximum age is documented.

    :param action: The key of the action (see ``key_of``).
    :param now: The current time of the job clock, in epoch seconds.
    """
    days = MAX_DAYS.get(action)
    return None if days is None else now - days * 24 * 3600
