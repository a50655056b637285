from __future__ import annotations

import random

from airflow_provider_ims._waiting.schedule import SLACK, Schedule


def schedule_of(**times: float) -> Schedule[str]:
    schedule: Schedule[str] = Schedule()
    for item, at in times.items():
        schedule.add(item, at)
    return schedule


def test_due_items_are_taken_in_the_order_of_their_times() -> None:
    schedule = schedule_of(c=3, a=1, b=2)
    assert schedule.take(2) == [(1, "a"), (2, "b")]
    assert schedule.take(2) == []
    assert schedule.take(3) == [(3, "c")]
    assert schedule.next_time == float("inf")


def test_the_next_time_is_that_of_the_first_item() -> None:
    schedule = schedule_of(b=2, a=1)
    assert schedule.next_time == 1
    schedule.remove("a")
    assert schedule.next_time == 2
    schedule.remove("b")
    assert schedule.next_time == float("inf")


def test_an_item_that_was_moved_is_due_only_at_its_new_time() -> None:
    schedule = schedule_of(a=1, b=2)
    schedule.add("a", 5)
    assert schedule.take(4) == [(2, "b")]
    schedule.add("a", 3)
    assert schedule.take(9) == [(3, "a")]


def test_an_item_that_was_added_twice_at_the_same_time_is_taken_once() -> None:
    schedule = schedule_of(a=1)
    schedule.add("a", 1)
    assert schedule.take(1) == [(1, "a")]
    assert schedule.next_time == float("inf")


def test_an_item_that_was_removed_and_added_again_is_taken_once() -> None:
    schedule = schedule_of(a=1)
    schedule.remove("a")
    schedule.remove("a")
    schedule.add("a", 2)
    assert schedule.take(2) == [(2, "a")]


def test_the_items_that_are_due_next_can_be_taken_early() -> None:
    schedule = schedule_of(d=4, a=1, c=3, b=2)
    schedule.remove("b")
    assert schedule.take_next(0) == []
    assert schedule.take_next(2) == ["a", "c"]
    assert schedule.take_next(2) == ["d"]
    assert schedule.take_next(1) == []


def test_outdated_entries_do_not_accumulate() -> None:
    schedule = schedule_of(lasting=1e9)
    for number in range(1000):
        schedule.add(str(number), 1e6)
        schedule.remove(str(number))
        schedule.add("moving", number)
    assert len(schedule._heap) <= 2 * len(schedule._items) + SLACK
    assert schedule.take(1e6) == [(999, "moving")]


def test_a_schedule_agrees_with_a_sorted_list() -> None:
    generator, schedule, expected = random.Random(1), schedule_of(), dict[str, float]()
    for _ in range(2000):
        item, at = str(generator.randrange(50)), generator.random()
        if generator.random() < 0.3:
            schedule.remove(item)
            expected.pop(item, None)
        else:
            schedule.add(item, at)
            expected[item] = at
        assert schedule.next_time == min(expected.values(), default=float("inf"))
    assert schedule.take(1.0) == sorted((at, item) for item, at in expected.items())
