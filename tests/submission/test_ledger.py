from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.running import Store

from airflow_provider_ims._submission.ledger import HEAD_KEY, OWNER_KEY, SLOT_SIZE, Item, Ledger, new_items
from airflow_provider_ims._submission.record import SubmissionRecord
from airflow_provider_ims.exceptions import ImsError

BASE = SubmissionRecord("SubmitASRJob", max_tries=3, run="a" * 32, number=0, submitted_at=1.0, try_number=1)


def items_of(*titles: str) -> list[Item]:
    return new_items(BASE, [{"Title": title} for title in titles])


def submitted(item: Item) -> Item:
    item.record = replace(
        item.record, unanswered_submits=1, token="t" * 34, job_id=f"{item.index:032}", submitted_at=1234567890.123456
    )
    return item


def stored(titles: list[str]) -> Store:
    """Return a store with the records of submitted requests."""
    store, items = Store(), items_of(*titles)
    ledger = Ledger(store)
    ledger.start(BASE, items)
    ledger.write(items, [submitted(item) for item in items])
    return store


def resumed(store: Any, *titles: str, try_number: int = 2) -> tuple[list[Item], Ledger]:
    items, ledger = items_of(*titles), Ledger(store)
    ledger.claim(try_number)
    ledger.resume(items, replace(BASE, try_number=try_number))
    return items, ledger


def job_ids(items: list[Item]) -> list[str | None]:
    return [item.record.job_id for item in items]


def test_equal_requests_have_different_identities_that_do_not_depend_on_their_position() -> None:
    first, second = items_of("a", "b", "a"), items_of("b", "a", "a")
    assert len({item.identity for item in first}) == 3
    assert {item.identity: item.record.run for item in first} == {item.identity: item.record.run for item in second}


def test_the_records_are_read_as_they_were_written() -> None:
    titles = [f"Title {number}" for number in range(2 * SLOT_SIZE + 1)]
    items, ledger = resumed(stored(titles), *titles)
    expected = [submitted(item).record for item in items_of(*titles)]
    assert [item.record for item in items] == expected
    assert ledger.removed == []


def test_a_slot_is_far_below_the_size_limit_of_the_store() -> None:
    store = stored([f"Title {number}" for number in range(SLOT_SIZE)])
    assert max(len(json.dumps(value)) for value in store.values()) < 32 * 1024


def test_only_the_slots_of_changed_items_are_written() -> None:
    items = items_of(*[f"Title {number}" for number in range(3 * SLOT_SIZE)])
    store = Store()
    ledger = Ledger(store)
    ledger.start(BASE, items)
    ledger.write(items, [items[SLOT_SIZE]])
    assert ledger.head is not None
    assert sorted(store) == [HEAD_KEY, f"{HEAD_KEY}_{ledger.head.generation}_1"]


def test_requests_keep_their_jobs_when_the_list_changes() -> None:
    items, ledger = resumed(stored(["a", "b", "c", "d"]), "new", "d", "b", "a")
    assert job_ids(items) == [None, f"{3:032}", f"{1:032}", f"{0:032}"]
    assert [entry["job_id"] for entry in ledger.removed] == [f"{2:032}"]


def test_a_request_that_was_removed_and_added_again_keeps_its_job() -> None:
    titles = [f"Title {number}" for number in range(SLOT_SIZE + 50)]
    store = stored(titles)
    resumed(store, "Title 3")
    resumed(store, "Title 4", try_number=3)
    items, ledger = resumed(store, *titles, try_number=4)
    assert job_ids(items) == [f"{number:032}" for number in range(len(titles))]
    assert ledger.removed == []


def test_a_crash_while_a_try_resumes_loses_no_record() -> None:
    titles = [f"Title {number}" for number in range(3 * SLOT_SIZE)]
    for writes in range(5):
        left = [writes]

        class FailingStore(Store):
            def set(self, key: str, value: Any, left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] < 0:
                    raise RuntimeError("killed")
                super().set(key, value)

        failing = FailingStore(stored(titles))
        with pytest.raises(RuntimeError):
            resumed(failing, titles[-1], *titles[:-1])
        items, ledger = resumed(Store(failing), *titles, try_number=3)
        assert job_ids(items) == [f"{number:032}" for number in range(len(titles))]
        assert ledger.removed == []


def test_a_stalled_try_changes_nothing_that_a_later_try_reads() -> None:
    store = stored(["a", "b"])
    _, stalled = resumed(store, "a", "b")
    items, later = resumed(store, "a", "b", try_number=3)
    items[0].record = replace(items[0].record, job_id="new")
    later.write(items, items)
    stalled.write(items_of("a", "b"), items)
    with pytest.raises(ImsError, match="because try 3 of this task has taken over its jobs"):
        stalled.check_owner()
    with pytest.raises(ImsError, match="try 3"):
        stalled.write_outcome("collected")
    with pytest.raises(ImsError, match="try 3"):
        stalled.start(replace(BASE, try_number=2), items)
    store.delete(OWNER_KEY)
    with pytest.raises(ImsError, match="because its records were deleted"):
        stalled.check_owner()
    assert job_ids(resumed(store, "a", "b", try_number=4)[0]) == ["new", f"{1:032}"]


def test_a_head_with_an_unknown_version_is_ignored() -> None:
    store = Store()
    store.set(HEAD_KEY, {"version": 7})
    ledger = Ledger(store)
    assert (ledger.head, ledger.unreadable) == (None, True)
