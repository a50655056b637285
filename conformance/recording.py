"""
The recorded responses, one file for each distinct response.

A file has the format of the documented examples in ``tests/emulator/fixtures``: ``<product>/<action>.json`` with
``request`` and ``response``. The file without a number contains the response with the most fields. Error responses are
in the folder ``errors`` and also have ``status``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.jobs import JOBS, objects
from conformance.redaction import Redactor
from conformance.service import PRODUCTS, Response

#: Action -> the field with the jobs. Listings may also contain jobs of other programs, which are removed.
LISTS = {plan.listing.action: plan.listing.items for plan in JOBS}
#: Fields that distinguish two responses of the same form.
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
    Write the responses of a run without identifiers.

    :param job_ids: The jobs of the run.
    :param redactor: A redactor that knows the content of all responses.
    :return: The number of files.
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
    """Return the names, the nesting, the types and the state words of a response."""
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
    Return the fields of recorded responses that the responses of another service lack.

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
