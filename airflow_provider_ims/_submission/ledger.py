"""
The ledger: the submission records of all jobs of one task, in the task state store.

The store holds up to 64 KB under a key, so the records are stored in slots of a hundred requests each. The head names
the generation of the slots. If the list of requests has changed, all records are written to the slots of the next
generation before the head is, so that a crash leaves a complete generation.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from airflow_provider_ims._submission.record import SubmissionRecord
from airflow_provider_ims.exceptions import ImsError

HEAD_KEY = "ims_jobs"
#: The number of requests whose records are stored under one key.
SLOT_SIZE = 100
#: The fields of a record that differ between the requests of a task and cannot be derived.
_FIELDS = ("number", "submitted_at", "unanswered_submits", "accepted_without_id", "token", "job_id")


@dataclass(slots=True)
class Item:
    """
    One request of a task that submits many jobs.

    :param index: Its position in the list.
    :param parameters: The encoded parameters.
    :param identity: A digest of the parameters, and the number of earlier requests with the same parameters.
    :param record: The submission record.
    :param error: Why the service refused the request.
    :param ended: Whether the job has ended without failing.
    :param submits: The number of submits in this try.
    """

    index: int
    parameters: Mapping[str, str]
    identity: tuple[str, int]
    record: SubmissionRecord
    error: ImsError | None = None
    ended: bool = False
    submits: int = 0

    @property
    def active(self) -> bool:
        """Whether the job exists and is not known to have ended."""
        return self.record.job_id is not None and not self.ended


def digest(parameters: Mapping[str, str]) -> str:
    """Return a digest of the parameters of a request."""
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()[:16]


def new_items(base: SubmissionRecord, requests: Sequence[Mapping[str, str]]) -> list[Item]:
    """
    Return the items of a task run without stored records.

    An item is identified by its content and not by its position, so that a request keeps its job when the list changes
    between two tries.

    :param base: The record of the task run.
    :param requests: The encoded parameters of each request.
    """
    seen: Counter[str] = Counter()
    items = []
    for index, parameters in enumerate(requests):
        content = digest(parameters)
        identity = content, seen[content]
        seen[content] += 1
        run = hashlib.sha256(json.dumps([base.run, *identity]).encode()).hexdigest()[:32]
        items.append(Item(index, parameters, identity, replace(base, run=run, parameters_digest=content)))
    return items


@dataclass(slots=True)
class Head:
    """
    What the records of a task run have in common.

    :param action: The submit action.
    :param max_tries: ``max_tries`` of the task instance. A clear increases it; a retry does not.
    :param run: A hash that identifies the task run.
    :param try_number: The last try that submitted or joined the jobs. Only this try may cancel them.
    :param generation: The generation of the slots.
    :param slots: The number of slots.
    :param collected: Whether the task has returned its result.
    """

    action: str
    max_tries: int
    run: str
    try_number: int
    generation: int = 0
    slots: int = 0
    collected: bool = False


@dataclass
class Ledger:
    """
    Reads and writes the records.

    :param store: The task state store.
    :param head: The stored head; ``None`` before the first submit of a task run.
    """

    store: Any
    head: Head | None = field(init=False)

    def __post_init__(self) -> None:
        stored = self.store.get(HEAD_KEY)
        try:
            self.head = Head(**stored) if stored is not None else None
        except TypeError:
            self.head = None

    def start(self, base: SubmissionRecord, items: Sequence[Item]) -> None:
        """Start the records of a task run, or of a cleared one that submits new jobs."""
        generation = 0 if self.head is None else self.head.generation + 1
        self._write_head(Head(base.action, base.max_tries, base.run, base.try_number, generation, _slots(items)))

    def load(self, items: Sequence[Item], base: SubmissionRecord) -> list[dict[str, Any]]:
        """
        Set the records of the items from the store; return the stored records that belong to no item.

        :param base: The record of this try.
        """
        head = self._head
        stored: dict[tuple[str, int], dict[str, Any]] = {}
        positions: dict[tuple[str, int], int] = {}
        for slot in range(head.slots):
            for entry in self.store.get(self._key(head.generation, slot)) or ():
                identity = entry["identity"][0], entry["identity"][1]
                stored[identity] = entry
                positions[identity] = entry["index"]
        moved = False
        for item in items:
            if (entry := stored.pop(item.identity, None)) is not None:
                item.record = replace(item.record, **{name: entry[name] for name in _FIELDS if name in entry})
                moved = moved or positions[item.identity] != item.index
        if moved or stored or head.slots != _slots(items):
            self._write_slots(items, head.generation + 1, range(_slots(items)))
            head = replace(head, generation=head.generation + 1, slots=_slots(items))
        self._write_head(replace(head, max_tries=base.max_tries, try_number=base.try_number))
        return list(stored.values())

    def write(self, items: Sequence[Item], changed: Iterable[Item]) -> None:
        """Write the slots that contain changed items."""
        self._write_slots(items, self._head.generation, sorted({item.index // SLOT_SIZE for item in changed}))

    def write_collected(self) -> None:
        """Store that the task has returned its result."""
        self._write_head(replace(self._head, collected=True))

    @property
    def _head(self) -> Head:
        assert self.head is not None, "call start() first"
        return self.head

    def _write_head(self, head: Head) -> None:
        self.store.set(HEAD_KEY, asdict(head))
        self.head = head

    def _write_slots(self, items: Sequence[Item], generation: int, slots: Iterable[int]) -> None:
        for slot in slots:
            part = items[slot * SLOT_SIZE : (slot + 1) * SLOT_SIZE]
            self.store.set(self._key(generation, slot), [_entry(item) for item in part if _is_known(item.record)])

    @staticmethod
    def _key(generation: int, slot: int) -> str:
        return f"{HEAD_KEY}_{generation}_{slot}"


def _slots(items: Sequence[Item]) -> int:
    return -(-len(items) // SLOT_SIZE)


def _is_known(record: SubmissionRecord) -> bool:
    return record.job_id is not None or bool(record.unanswered_submits or record.number)


def _entry(item: Item) -> dict[str, Any]:
    values = {name: getattr(item.record, name) for name in _FIELDS}
    return {
        "index": item.index,
        "identity": list(item.identity),
        **{name: value for name, value in values.items() if value},
    }
