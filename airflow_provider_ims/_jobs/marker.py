"""
The marker in the UserData of a job, with which a search finds the job if its id is unknown.

Example: ``{"NotifyAddress": "https://..", "AirflowKey": "<32 hex digits>-0"}``; for VOD and for uploads from URLs
``{"Extend": {"AirflowKey": "<32 hex digits>-0"}}``.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from airflow_provider_ims._jobs.payload import parse_json
from airflow_provider_ims.hooks._encoding import encode_value

MARKER = "AirflowKey"
#: The field of UserData whose object contains the marker in VOD and in uploads from URLs. The object may be encoded as
#: a JSON string.
EXTEND = "Extend"
#: The maximum length of UserData, in bytes of UTF-8.
MAX_USER_DATA = 512
_NUMBER = re.compile(r"[0-9]{1,9}")
#: Finds a marker in UserData that is not valid JSON. In the documented response of GetURLUploadInfos, the inner objects
#: are strings whose quotation marks are not escaped.
_MARKER_IN_TEXT = re.compile(rf'"{MARKER}\\*"\s*:\s*\\*"([^"\\]+)')


@dataclass(frozen=True, slots=True)
class SubmissionKey:
    """
    Identifies one submission of a task run.

    :param run: A hash that identifies the task run.
    :param number: The number of the submission within the task run, from 0. It increases with each further job.
    """

    run: str
    number: int

    def __str__(self) -> str:
        return f"{self.run}-{self.number}"

    @classmethod
    def parse(cls, text: str) -> SubmissionKey | None:
        """Parse a key; return ``None`` if the string is not a key."""
        run, _, number = text.rpartition("-")
        return cls(run, int(number)) if run and _NUMBER.fullmatch(number) else None


def add_marker(
    user_data: str | None, key: SubmissionKey, *, under: str | None, max_bytes: int = MAX_USER_DATA
) -> str | None:
    """
    Return UserData with the marker.

    :param user_data: The user's own UserData, or ``None``.
    :param key: The submission.
    :param under: The field whose object holds the marker: ``Extend``, or ``None`` for the top level.
    :param max_bytes: The maximum length of the action's UserData, in bytes of UTF-8.
    :return: The merged JSON; ``None`` if it is too long, if the user's own UserData or the field ``under`` is not an
        object, or if UserData contains a value that cannot be encoded again, such as ``1e999`` (infinity).
    """
    try:
        content: Any = json.loads(user_data) if user_data else {}
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    if under and content.get(under) is None:
        content[under] = {}
    extend = _extend_of(content)
    for place in (content, extend or {}):
        # The user may have copied the UserData of another job, including the marker of that job.
        place.pop(MARKER, None)
    inner = extend if under else content
    if inner is None:
        return None
    inner[MARKER] = str(key)
    try:
        if extend is not None and isinstance(content[EXTEND], str):
            content[EXTEND] = encode_value(extend)
        merged = encode_value(content)
        return merged if len(merged.encode()) <= max_bytes else None
    except ValueError:
        return None


def key_in(user_data: Any) -> SubmissionKey | None:
    """
    Return the key in the marker of UserData, or ``None`` if there is no valid marker.

    :param user_data: UserData as the service returned it: a JSON string, an object, or any other value.
    """
    try:
        content = json.loads(user_data) if isinstance(user_data, str) else user_data
    except (ValueError, RecursionError):
        found = _MARKER_IN_TEXT.search(str(user_data))
        return SubmissionKey.parse(found[1]) if found else None
    if not isinstance(content, dict):
        return None
    for place in (content, _extend_of(content) or {}):
        if isinstance(marker := place.get(MARKER), str):
            return SubmissionKey.parse(marker)
    return None


def _extend_of(content: dict[str, Any]) -> dict[str, Any] | None:
    """Return the object in the field Extend, which may also be a JSON string; ``None`` if there is none."""
    extend = content.get(EXTEND)
    found = parse_json(extend) if isinstance(extend, str) else extend
    return found if isinstance(found, dict) else None
