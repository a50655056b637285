"""Validates and encodes the argument ``requests`` of a task with many jobs."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.operators._any_job import accepting

log = logging.getLogger(__name__)

MAX_REQUESTS = 10_000
_NOT_A_DICT = "must be a dict with parameter names as keys"


def encode_requests(kind: JobKind, requests: Any, common: Any) -> list[dict[str, str]]:
    """
    Return the encoded parameters of each request.

    :param requests: The task's ``requests``.
    :param common: The task's ``parameters``.
    :raises ImsRequestError: when an argument is invalid. If a request is invalid, the message contains its index.
    """
    problem = f"requests: must be a list of 1 to {MAX_REQUESTS:,} dicts"
    # An XCom of a mapped task is a sequence, but not a list.
    if not isinstance(requests, Sequence) or isinstance(requests, str | bytes):
        raise ImsRequestError(problem, field="requests")
    given = list(requests)
    if not 0 < len(given) <= MAX_REQUESTS:
        raise ImsRequestError(problem, field="requests")
    common = {} if common is None else common
    if not _is_dict(common):
        raise ImsRequestError(f"parameters: {_NOT_A_DICT}", field="parameters")
    encoder = _Encoder(kind, common)
    encoded = []
    for index, request in enumerate(given):
        try:
            encoded.append(encoder.encode(request))
        except ImsRequestError as error:
            error.message = f"requests[{index}]: {error.message}"
            error.field = f"requests[{index}].{error.field}" if error.field else f"requests[{index}]"
            raise
    _check_tokens(kind, encoded)
    return encoded


def encode_again(kind: JobKind, requests: Any, common: Any, submitted: Sequence[Any]) -> list[dict[str, str]]:
    """
    Return the encoded requests of a resumed task, or one empty dict per job if the requests cannot be encoded again.

    :param submitted: The jobs from the arguments with which the task was deferred; empty if these are missing. With
        these jobs, the task can complete without the encoded requests.
    :raises ImsRequestError: when an argument is invalid and ``submitted`` is empty.
    """
    try:
        return encode_requests(kind, requests, common)
    except ImsRequestError as error:
        if not submitted:
            raise
        log.warning("The requests cannot be encoded again after the deferral: %s", error)
        return [{} for _ in submitted]


class _Encoder:
    """Encodes requests. Parameters that the SDK defines but the job kind does not are accepted, too."""

    def __init__(self, kind: JobKind, common: Mapping[str, Any]) -> None:
        self._kind = accepting(kind, {})
        self._names = {one.name for one in kind.parameters}
        self._common = common
        self._accepting: dict[frozenset[tuple[str, bool]], JobKind] = {}

    def encode(self, request: Any) -> dict[str, str]:
        if not _is_dict(request):
            raise ImsRequestError(_NOT_A_DICT)
        merged = {**self._common, **request}
        unknown = frozenset(
            (name, isinstance(value, (dict, list))) for name, value in merged.items() if name not in self._names
        )
        if unknown and unknown not in self._accepting:
            self._accepting[unknown] = accepting(self._kind, merged)
        return self._accepting.get(unknown, self._kind).encode(merged)


def _is_dict(given: Any) -> bool:
    return isinstance(given, Mapping) and all(isinstance(name, str) for name in given)


def _check_tokens(kind: JobKind, encoded: Sequence[Mapping[str, str]]) -> None:
    """Raise an ``ImsRequestError`` if two requests have the same token: the service would create only one job."""
    name = kind.token_parameter
    first: dict[str, int] = {}
    for index, parameters in enumerate(encoded):
        if name and (token := parameters.get(name)) and (other := first.setdefault(token, index)) != index:
            raise ImsRequestError(
                f"requests[{index}]: {name} is the same as in requests[{other}], so the service would create only one "
                "job for both",
                field=f"requests[{index}].{name}",
            )
