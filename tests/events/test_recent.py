from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.state_store import StateStore

from airflow_provider_ims._events.consumer import MAX_PENDING
from airflow_provider_ims._events.recent import REMEMBERED, RecentMessages


def loaded(store: Any) -> RecentMessages:
    recent = RecentMessages(store, "key")
    asyncio.run(recent.load())
    return recent


def test_the_ids_are_restored_from_the_store() -> None:
    store = StateStore()
    first = loaded(store)
    first.add("a")
    assert "a" in first
    assert store.values == {}
    asyncio.run(first.save())
    second = loaded(store)
    assert "a" in second
    assert "b" not in second


def test_only_new_ids_are_written() -> None:
    store = StateStore()
    recent = loaded(store)
    asyncio.run(recent.save())
    assert store.writes == 0
    recent.add("a")
    asyncio.run(recent.save())
    asyncio.run(recent.save())
    assert store.writes == 1


def test_the_oldest_ids_are_forgotten() -> None:
    recent = loaded(None)
    for number in range(REMEMBERED + 1):
        recent.add(str(number))
    assert "0" not in recent
    assert all(str(number) in recent for number in range(1, REMEMBERED + 1))


def test_more_messages_are_remembered_than_are_pending() -> None:
    assert REMEMBERED > MAX_PENDING


@pytest.mark.parametrize("stored", [None, "text", {"a": 1}, [1, None]])
def test_a_stored_value_of_another_format_is_ignored(stored: Any) -> None:
    recent = loaded(StateStore({"key": stored}))
    recent.add("a")
    assert "a" in recent


def test_an_error_of_the_store_is_logged_and_the_ids_are_written_when_it_works_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = StateStore(error=ConnectionError("down"))
    recent = loaded(store)
    recent.add("a")
    asyncio.run(recent.save())
    assert "a" in recent
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert all("down" in text for text in caplog.messages)
    store.error = None
    asyncio.run(recent.save())
    assert store.values == {"key": ["a"]}


def test_without_access_to_a_single_asset_the_ids_are_kept_in_memory(caplog: pytest.LogCaptureFixture) -> None:
    store = StateStore(error=ValueError("2 concrete inlets"))
    recent = loaded(store)
    store.error = None
    recent.add("a")
    asyncio.run(recent.save())
    assert "a" in recent
    assert store.values == {}
    assert caplog.messages == []
