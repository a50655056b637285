"""
The ledger: the submission records of all jobs of one task, in the task state store.

The store holds up to 64 KB per key, so the records are divided into slots. A slot is a key with the records of up to
100 requests. The head is a separate key with the data that all records share. A try that continues the work of an
earlier try first copies all records to new slots (a new generation), and then writes the id of this generation to the
head. Therefore, the head refers to a complete generation even after a crash, and a stalled try cannot overwrite the
records of a later try. The store also contains the number of the try that owns the jobs. Only this try may submit jobs.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias

from airflow_provider_ims._submission.record import SubmissionRecord, SubmissionState, digest
from airflow_provider_ims.exceptions import ImsError

HEAD_KEY = "ims_jobs"
OWNER_KEY = "ims_jobs_owner"
#: The number of requests whose records are stored under one key.
SLOT_SIZE = 100
#: The fields of a record that differ between the requests of a task and cannot be computed from other data.
_FIELDS = ("number", "submitted_at", "unanswered_submits", "accepted_without_id", "token", "job_id", "queue")

#: How a task ended: it returned its result, or all jobs ended but too many of them failed.
Outcome: TypeAlias = Literal["collected", "failed"]


@dataclass(slots=True)
class Item:
    """
    One request of a task that submits many jobs.

    :param index: The position of the request in the list, from 0.
    :param parameters: The encoded parameters.
    :param identity: A digest of the parameters, and the number of preceding requests in the list that have the same
        parameters.
    :param record: The submission record.
    :param error: The error if the service rejected the request, or if the job may exist but was not found.
    :param ended: Whether the job has ended.
    :param counted: Whether an earlier try has emitted the metrics of the ended job.
    :param submits: The number of attempts to submit the job since the task started or resumed.
    """

    index: int
    parameters: Mapping[str, str]
    identity: tuple[str, int]
    record: SubmissionRecord
    error: ImsError | None = None
    ended: bool = False
    counted: bool = False
    submits: int = 0

    @property
    def active(self) -> bool:
        """Whether the job exists and is not known to have ended."""
        return self.record.job_id is not None and not self.ended

    @property
    def lost(self) -> bool:
        """Whether there may be a job whose id is unknown."""
        return self.record.state in (SubmissionState.UNANSWERED, SubmissionState.ACCEPTED)

    def start_next(self) -> None:
        """Prepare a new submission after the job has failed or could not be found."""
        self.record = replace(self.record.next(), parameters_digest=self.record.parameters_digest)
        self.ended = False

    def dump(self) -> str | list[Any] | None:
        """
        Return the fields of the record that a resumed task needs, as compact JSON data.

        :return: The job id; if it is unknown, a list of other fields; ``None`` if no request was sent, or if the
            service rejected each request.
        """
        record = self.record
        if record.job_id is not None or not _is_known(record):
            return record.job_id
        return [record.number, record.submitted_at, record.unanswered_submits, record.accepted_without_id]

    def restore(self, dumped: str | list[Any] | None) -> None:
        """Update the record with the data from :meth:`dump`."""
        if isinstance(dumped, list):
            number, submitted_at, unanswered, accepted = dumped
            self.record = replace(
                self.record,
                number=number,
                submitted_at=submitted_at,
                unanswered_submits=unanswered,
                accepted_without_id=accepted,
            )
        else:
            unanswered = 0 if dumped is None else self.record.unanswered_submits
            self.record = replace(self.record, job_id=dumped, unanswered_submits=unanswered)


def digest_of_all(items: Iterable[Item]) -> str:
    """Return a digest of a list of requests."""
    return hashlib.sha256("".join(item.identity[0] for item in items).encode()).hexdigest()[:16]


def new_items(base: SubmissionRecord, requests: Sequence[Mapping[str, str]]) -> list[Item]:
    """
    Return the items of a task run with new records, as if nothing had been submitted yet.

    An item is identified by its parameters and not by its position, so that a request keeps its job even if the list
    changes between two tries.

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
    The data that all records of a task run share.

    :param action: The submit action.
    :param max_tries: ``max_tries`` of the task instance. Clearing the task increases it; a retry does not.
    :param run: A hash that identifies the task run.
    :param generation: The id of the generation of slots that contains the current records.
    :param slots: The number of slots.
    :param outcome: The outcome of the latest try that waited until all jobs had ended; ``None`` if there is none.
    """

    action: str
    max_tries: int
    run: str
    generation: str = ""
    slots: int = 0
    outcome: Outcome | None = None


@dataclass
class Ledger:
    """
    Reads and writes the submission records of a task with many jobs.

    :param store: The task state store.
    :param head: The stored head; ``None`` if there is none, or if its format is unknown.
    :param unreadable: Whether the stored head has an unknown format.
    :param removed: Stored records whose requests are no longer in the list. They are kept, because a request may be
        added again.
    """

    store: Any
    head: Head | None = field(init=False)
    unreadable: bool = field(init=False, default=False)
    removed: list[dict[str, Any]] = field(init=False, default_factory=list)
    _owner: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self._owner = self.store.get(OWNER_KEY) or {}
        self._read_head()

    def claim(self, try_number: int) -> None:
        """
        Make a try the owner of the jobs.

        If an earlier try has stalled and continues later, it sends at most the remaining requests of its current window
        (a group of up to 50 requests).
        """
        self._owner = {"try_number": try_number, "id": uuid.uuid4().hex[:8]}
        self.store.set(OWNER_KEY, self._owner)
        # The head is read again, because an earlier try may have written it since the first read.
        self._read_head()

    def is_owner(self, try_number: int) -> bool:
        """Return whether a try owns the jobs; true if no try has claimed them."""
        return bool(self._owner.get("try_number", try_number) == try_number)

    def check_owner(self) -> None:
        """
        Check that this try still owns the jobs.

        :raises ImsError: if a later try has claimed them, or the records were deleted.
        """
        owner = self.store.get(OWNER_KEY) or {}
        if owner != self._owner:
            cause = (
                f"try {owner['try_number']} of this task has taken over its jobs"
                if owner
                else "its records were deleted"
            )
            raise ImsError(f"This try submits no more jobs, because {cause}")

    def start(self, base: SubmissionRecord, items: Sequence[Item]) -> None:
        """
        Start new records for a task run. Earlier records are no longer used.

        :raises ImsError: if a later try has claimed the jobs.
        """
        self._write_head(Head(base.action, base.max_tries, base.run, uuid.uuid4().hex[:8], _slots(len(items))))

    def resume(self, items: Sequence[Item], base: SubmissionRecord) -> None:
        """
        Set the records of the items from the store, and copy all records to a new generation for this try.

        :param base: The record of this try.
        :raises ImsError: if a later try has claimed the jobs.
        """
        self.read(items)
        head = replace(
            self._head,
            max_tries=base.max_tries,
            generation=uuid.uuid4().hex[:8],
            slots=_slots(len(items)) + _slots(len(self.removed)),
        )
        self._write_slots(items, head.generation, range(_slots(len(items))))
        for slot, start in enumerate(range(0, len(self.removed), SLOT_SIZE), _slots(len(items))):
            self.store.set(_key(head.generation, slot), self.removed[start : start + SLOT_SIZE])
        self._write_head(head)

    def read(self, items: Iterable[Item]) -> None:
        """Set the records of the items, and ``removed``, from the store."""
        stored = {tuple(entry["identity"]): entry for entry in self.entries()}
        for item in items:
            if (entry := stored.pop(item.identity, None)) is not None:
                item.record = replace(item.record, **{name: entry[name] for name in _FIELDS if name in entry})
        self.removed = list(stored.values())

    def entries(self) -> list[dict[str, Any]]:
        """Return all stored records of the current generation."""
        head = self._head
        slots = (self.store.get(_key(head.generation, slot)) for slot in range(head.slots))
        return [entry for slot in slots for entry in slot or ()]

    def write(self, items: Sequence[Item], changed: Iterable[Item]) -> None:
        """Write the slots that contain changed items."""
        self._write_slots(items, self._head.generation, sorted({item.index // SLOT_SIZE for item in changed}))

    def write_outcome(self, outcome: Outcome) -> None:
        """
        Store how the task ended.

        :raises ImsError: if a later try has claimed the jobs.
        """
        self._write_head(replace(self._head, outcome=outcome))

    @property
    def _head(self) -> Head:
        assert self.head is not None, "call start() first"
        return self.head

    def _read_head(self) -> None:
        stored = self.store.get(HEAD_KEY)
        try:
            self.head = Head(**stored) if stored is not None else None
        except TypeError:
            self.head = None
        self.unreadable = stored is not None and self.head is None

    def _write_head(self, head: Head) -> None:
        self.check_owner()
        self.store.set(HEAD_KEY, asdict(head))
        self.head = head

    def _write_slots(self, items: Sequence[Item], generation: str, slots: Iterable[int]) -> None:
        for slot in slots:
            part = items[slot * SLOT_SIZE : (slot + 1) * SLOT_SIZE]
            self.store.set(_key(generation, slot), [_entry(item) for item in part if _is_known(item.record)])


def _key(generation: str, slot: int) -> str:
    return f"{HEAD_KEY}_{generation}_{slot}"


def _slots(count: int) -> int:
    return -(-count // SLOT_SIZE)


def _is_known(record: SubmissionRecord) -> bool:
    return record.job_id is not None or bool(record.unanswered_submits or record.number)


def _entry(item: Item) -> dict[str, Any]:
    values = {name: getattr(item.record, name) for name in _FIELDS}
    return {"identity": list(item.identity), **{name: value for name, value in values.items() if value}}
