"""
The marker that a submitted job carries in its UserData, so that it can be found when its id was lost.

It looks like ``{"NotifyAddress": "https://..", "AirflowKey": "<32 hex digits>-0"}``, for VOD
``{"Extend": {"AirflowKey": "<32 hex digits>-0"}}``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

MARKER = "AirflowKey"
#: The longest UserData that the services take, in bytes of UTF-8.
MAX_USER_DATA = 512


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
        run, dash, number = text.rpartition("-")
        return cls(run, int(number)) if run and dash and number.isascii() and number.isdigit() else None


def marked(user_data: str | None, key: SubmissionKey, *, under: str | None) -> str | None:
    """
    Return UserData with the marker in it.

    :param user_data: The user's own, a JSON object, or ``None``.
    :param key: The submission.
    :param under: The field whose object takes the marker; ``None`` for the top.
    :return: The merged JSON; ``None`` when it would be too long, or there is no object to put the marker into.
    """
    content: Any = json.loads(user_data) if user_data else {}
    inner = content.setdefault(under, {}) if under and isinstance(content, dict) else content
    if not isinstance(inner, dict):
        return None
    inner[MARKER] = str(key)
    merged = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return merged if len(merged.encode()) <= MAX_USER_DATA else None


def key_in(user_data: Any) -> SubmissionKey | None:
    """
    Return the submission that UserData is marked with, wherever the marker may stand.

    :param user_data: What the service echoes: anything.
    """
    try:
        content = json.loads(user_data) if isinstance(user_data, str) else user_data
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    for place in (content, content.get("Extend")):
        if isinstance(place, dict) and isinstance(marker := place.get(MARKER), str):
            return SubmissionKey.parse(marker)
    return None
