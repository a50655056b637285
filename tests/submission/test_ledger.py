from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from support.running import Store

from airflow_provider_ims._submission.ledger import HEAD_KEY, SLOT_SIZE, Item, Ledger, new_items
from airflow_provider_ims._submission.record import SubmissionRecord

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


def loaded(store: Any, *titles: str) -> tuple[list[Item], list[dict[str, Any]]]:
    items = items_of(*titles)
    return items, Ledger(store).load(items, replace(BASE, try_number=2))


def test_equal_requests_have_different_identities_that_do_not_depend_on_their_position() -> None:
    first, second = items_of("a", "b", "a"), items_of("b", "a", "a")
    assert len({item.identity for item in first}) == 3
    assert {item.identity: item.record.run for item in first} == {item.identity: item.record.run for item in second}


def test_the_records_are_read_as_they_were_written() -> None:
    titles = [f"Title {number}" for number in range(2 * SLOT_SIZE + 1)]
    items, orphans = loaded(stored(titles), *titles)
    expected = [submitted(item).record for item in items_of(*titles)]
    assert [item.record for item in items] == expected
    assert orphans == []


def test_a_slot_is_far_below_the_size_limit_of_the_store() -> None:
    store = stored([f"Title {number}" for number in range(SLOT_SIZE)])
    assert max(len(json.dumps(value)) for value in store.values()) < 32 * 1024


def test_only_the_slots_of_changed_items_are_written() -> None:
    titles = [f"Title {number}" for number in range(3 * SLOT_SIZE)]
    items = items_of(*titles)
    store = Store()
    ledger = Ledger(store)
    ledger.start(BASE, items)
    ledger.write(items, [items[SLOT_SIZE]])
    assert sorted(store) == [HEAD_KEY, f"{HEAD_KEY}_0_1"]


def test_requests_keep_their_jobs_when_the_list_changes() -> None:
    items, orphans = loaded(stored(["a", "b", "c", "d"]), "new", "d", "b", "a")
    assert [item.record.job_id for item in items] == [None, f"{3:032}", f"{1:032}", f"{0:032}"]
    assert [entry["job_id"] for entry in orphans] == [f"{2:032}"]


def test_a_crash_while_a_changed_list_is_stored_loses_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    titles = [f"Title {number}" for number in range(3 * SLOT_SIZE)]
    changed = [titles[-1], *titles[:-1]]
    for writes in range(4):
        store, left = stored(titles), [writes]

        class FailingStore(Store):
            def set(self, key: str, value: Any, left: list[int] = left) -> None:
                left[0] -= 1
                if left[0] < 0:
                    raise RuntimeError("killed")
                super().set(key, value)

        failing = FailingStore(store)
        with pytest.raises(RuntimeError):
            loaded(failing, *changed)
        items, orphans = loaded(Store(failing), *titles)
        assert [item.record.job_id for item in items] == [f"{number:032}" for number in range(len(titles))]
        assert orphans == []


def test_a_head_of_an_unknown_format_is_ignored() -> None:
    store = Store()
    store.set(HEAD_KEY, {"version": 7})
    assert Ledger(store).head is None
