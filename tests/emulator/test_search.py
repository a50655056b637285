"""The expressions in the parameter Match of SearchMedia."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.emulated import open_jobs, response_of

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.state.clock import iso

Find = Callable[[str], list[str]]


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    with open_jobs() as jobs:
        # A time in the middle of a second.
        jobs.clock.advance(100.5 - jobs.clock.now() % 1)
        yield jobs


@pytest.fixture
def find(jobs: Jobs) -> Find:
    """Return a function that returns the titles of the media assets that match an expression, newest first."""

    def find(match: str) -> list[str]:
        found = response_of(jobs, "SearchMedia", {"Match": match})["MediaInfoList"]
        return [media["MediaBasicInfo"]["Title"] for media in found]

    return find


def register(jobs: Jobs, title: str) -> float:
    """Register a media asset and return the time of its creation; a day passes afterwards."""
    url = f"oss://bucket/{title.replace(' ', '-')}.mp4"
    response_of(jobs, "RegisterMediaInfo", {"InputURL": url, "Title": title, "MediaTags": title})
    created = jobs.clock.now()
    jobs.clock.advance(24 * 3600)
    return created


def test_an_interval_of_times_includes_or_excludes_its_ends(jobs: Jobs, find: Find) -> None:
    first, last = (iso(register(jobs, title)) for title in ("one", "two"))
    ends = f"'{first}','{last}'"
    assert find(f"CreationTime = [{ends}]") == ["two", "one"]
    assert find(f"CreationTime = ({ends}]") == ["two"]
    assert find(f"CreationTime = [{ends})") == ["one"]
    assert find(f"CreationTime = ({ends})") == []


def test_the_ends_of_an_interval_can_be_in_milliseconds(jobs: Jobs, find: Find) -> None:
    created = int(register(jobs, "one") * 1_000)
    assert find(f"utcCreate = ['{created}','{created + 1}']") == ["one"]
    assert find(f"utcCreate = ('{created - 1}','{created + 1}')") == ["one"]
    assert find(f'utcCreate = (\\"{created}\\",\\"{created + 1}\\")') == []
    assert find(f"utcModified = ['{created - 2}','{created - 1}']") == []


def test_an_interval_can_have_only_one_end(jobs: Jobs, find: Find) -> None:
    register(jobs, "one")
    noon = iso(jobs.clock.now() - 12 * 3600)
    register(jobs, "two")
    assert find(f"CreationTime = ('{noon}',)") == ["two"]
    assert find(f"CreationTime=(,'{noon}') and title = 'o'") == ["one"]


@pytest.mark.parametrize(
    "condition",
    [
        "CreationTime != ('2024-01-01T00:00:00Z','2034-01-01T00:00:00Z')",
        "CreationTime in ('2024-01-01T00:00:00Z','2034-01-01T00:00:00Z')",
        "CreationTime = '2024-01-01T00:00:00Z'",
        "CreationTime == '2024-01-01T00:00:00Z'",
        "CreationTime = ('2024-01-01T00:00:00Z')",
        "CreationTime = ('2024-01-01T00:00:00Z','2034-01-01T00:00:00Z','2035-01-01T00:00:00Z')",
        "CreationTime = (,)",
        "utcModified != '1693367158561'",
    ],
)
@pytest.mark.parametrize("exists", [True, False])
def test_a_condition_on_a_time_must_be_an_interval(jobs: Jobs, find: Find, condition: str, exists: bool) -> None:
    if exists:
        register(jobs, "one")
    with pytest.raises(ApiError, match=f"InvalidParameter: .*{condition.split()[0]} must be an interval"):
        find(condition)


@pytest.mark.parametrize("exists", [True, False])
def test_an_invalid_time_is_rejected(jobs: Jobs, find: Find, exists: bool) -> None:
    if exists:
        register(jobs, "one")
    with pytest.raises(ApiError, match="yyyy-MM-ddTHH:mm:ssZ"):
        find("title = 'one' and CreationTime = ('yesterday','today')")


def test_a_double_equals_sign_requires_the_same_value(jobs: Jobs, find: Find) -> None:
    register(jobs, "cake")
    register(jobs, "cake shop")
    assert find("title = 'cake'") == ["cake shop", "cake"]
    assert find("title == 'cake'") == ["cake"]
