"""
Writes the responses of a run to files, one file for each distinct response.

A file has the format of the documented examples in ``tests/emulator/fixtures``: ``<product>/<action>.json`` contains
``request`` and ``response``. If an action has several distinct responses, the file without a number contains the
response with the most fields, and the other files are numbered (``<action>-2.json``). Error responses are in the folder
``errors``, and their files also contain ``status``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.jobs import JOBS, objects
from conformance.redaction import Redactor
from conformance.service import PRODUCTS, Response

#: Action -> the field with the jobs. Listings can also contain jobs of other programs, which are removed.
LISTS = {plan.listing.action: plan.listing.items for plan in JOBS}
#: Responses with different values in these fields are distinct.
_WORDS = ("Code", "JobState", "JobType", "State", "Status")


def own_content(response: Response, job_ids: Collection[str]) -> dict[str, Any]:
    """Return the body of a response without the jobs that other programs submitted."""
    items = LISTS.get(response.action, "")
    body = dict(response.body)
    if items in body:
        body[items] = [one for one in objects(body[items]) if one.get("JobId") in job_ids]
    return body


def record(folder: Path, responses: Sequence[Response], job_ids: Collection[str], redactor: Redactor) -> int:
    """
    Write the responses of a run to files, with placeholders instead of identifiers.

    :param job_ids: The ids of the jobs of the run.
    :param redactor: A redactor that has collected the identifiers in all responses.
    :return: The number of written files.
    """
    distinct: dict[tuple[str, str, int], dict[str, dict[str, Any]]] = {}
    for response in responses:
        if not response.status:
            continue
        content = redactor.body(own_content(response, job_ids))
        entry = {"request": redactor.body(response.parameters), "response": content}
        entry |= {} if response.ok else {"status": response.status}
        place = (response.product, response.action, 0 if response.ok else response.status)
        distinct.setdefault(place, {}).setdefault(json.dumps(signature(content)), entry)
    count = 0
    for (product, action, status), entries in distinct.items():
        ordered = sorted(entries.values(), key=lambda entry: -len(list(leaves(entry["response"]))))
        parent = folder / "errors" / product if status else folder / product
        parent.mkdir(parents=True, exist_ok=True)
        for number, entry in enumerate(ordered, 1):
            name = action if number == 1 else f"{action}-{number}"
            text = json.dumps(entry, indent=2, ensure_ascii=False, sort_keys=True)
            (parent / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
            count += 1
    return count


def signature(content: Any, field: str = "") -> Any:
    """Return the names and types of all fields of a response, and the values of fields such as ``Status``."""
    if isinstance(content, Mapping):
        return {name: signature(value, name) for name, value in sorted(content.items())}
    if isinstance(content, list):
        return [signature(one) for one in content[:1]]
    return content if field in _WORDS else type(content).__name__


def leaves(content: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield the path and the type of each value in a response."""
    if isinstance(content, Mapping):
        for name, value in content.items():
            yield from leaves(value, f"{path}.{name}" if path else name)
    elif isinstance(content, list):
        for one in content:
            yield from leaves(one, f"{path}[]")
    elif content is not None:
        yield path, type(content).__name__


def missing_fields(recorded: Path, responses: Sequence[Response]) -> list[str]:
    """
    Return the fields of recorded responses that are missing in the responses of another service.

    :param recorded: A folder that :func:`record` wrote.
    :param responses: The responses of a run against the other service.
    """
    known: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for response in responses:
        if response.ok:
            known.setdefault((response.product, response.action), set()).update(leaves(response.body))
    missing = set()
    for path in sorted(path for product in PRODUCTS for path in (recorded / product).glob("*.json")):
        action = path.stem.partition("-")[0]
        fields = set(leaves(json.loads(path.read_text(encoding="utf-8"))["response"]))
        lacking = fields - known.get((path.parent.name, action), set())
        missing |= {f"{path.parent.name}/{action}: {field} ({kind})" for field, kind in lacking}
    return sorted(missing)
