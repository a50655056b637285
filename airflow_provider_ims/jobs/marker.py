"""
The marker that a submitted job carries in its UserData, so that it can be found when its id was lost.

It looks like ``{"NotifyAddress": "https://..", "AirflowKey": "<32 hex digits>-0"}``, for VOD
``{"Extend": {"AirflowKey": "<32 hex digits>-0"}}``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims.hooks.encoding import as_text

MARKER = "AirflowKey"
#: The longest UserData that the services take, in bytes of UTF-8.
MAX_USER_DATA = 512
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class SubmissionKey:
    """
    Names one submission of a task run.

    :param run: Names the task run, up to its clear.
    :param number: Counts the jobs of that run which ended in failure before.
    """

    run: str
    number: int

    def __str__(self) -> str:
        return f"{self.run}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> SubmissionKey | None:
        """Read a key; ``None`` when the text is none."""
        run, _, number = text.rpartition("-")
        return cls(run, int(number)) if run and _NUMBER.fullmatch(number) else None


def marked(user_data: str | None, key: SubmissionKey, *, under: str | None, most: int = MAX_USER_DATA) -> str | None:
    """
    Return UserData with the marker in it.

    :param user_data: The user's own, or ``None``.
    :param key: The submission.
    :param under: The field whose object takes the marker; ``None`` for the top.
    :param most: The longest UserData that the action takes, in bytes of UTF-8.
    :return: The merged JSON; ``None`` when it would be too long, when there is no object to put the marker into, or
        when the user's own holds what can be read but not written again, such as ``1e999``.
    """
    try:
        content: Any = json.loads(user_data) if user_data else {}
    except (ValueError, RecursionError):
        return None
    for place in _places(content):
        # One that came along with data copied from another job would be found in place of ours.
        place.pop(MARKER, None)
    inner = content.setdefault(under, {}) if under and isinstance(content, dict) else content
    if not isinstance(inner, dict):
        return None
    inner[MARKER] = str(key)
    try:
        merged = as_text(content)
        return merged if len(merged.encode()) <= most else None
    except ValueError:
        return None


def key_in(user_data: Any) -> SubmissionKey | None:
    """
    Return the submission that UserData is marked with, wherever the marker may stand.

    :param user_data: What the service echoes: anything.
    """
    try:
        content = json.loads(user_data) if isinstance(user_data, str) else user_data
    except (ValueError, RecursionError):
        return None
    for place in _places(content):
        if isinstance(marker := place.get(MARKER), str):
            return SubmissionKey.parse(marker)
    return None


def _places(content: Any) -> list[dict[str, Any]]:
    """Return the objects in which a marker may stand."""
    if not isinstance(content, dict):
        return []
    return [place for place in (content, content.get("Extend")) if isinstance(place, dict)]
