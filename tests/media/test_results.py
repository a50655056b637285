"""The results of the jobs of a task, in its XCom and in files, and the errors if they cannot be read."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.io import store
from fsspec.implementations.local import LocalFileSystem

from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.media import _results
from airflow_provider_ims.media._results import JobRecord, Results


def line(index: int, **fields: Any) -> dict[str, Any]:
    return {"index": index, "job_id": f"j{index}", "result": {"texts": [f"Text {index}"]}, "error": None, **fields}


def listed(total: int, **fields: Any) -> Results:
    jobs = [{"index": index, "job_id": f"j{index}", "state": "Finished"} for index in range(total)]
    return Results({"total": total, "jobs": jobs, **fields})


def stored(path: Path, total: int = 3) -> Results:
    path.write_text("".join(json.dumps(line(index)) + "\n" for index in range(total)))
    return listed(total, results_path=str(path))


def test_a_part_of_a_file_is_read(tmp_path: Path) -> None:
    found = stored(tmp_path / "results.jsonl").jobs(1, 1)
    assert found == [JobRecord(1, "j1", "Finished", {"texts": ["Text 1"]})]


@pytest.mark.parametrize("path", ["/dev/zero", "fifo", "folder", "missing"])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_only_regular_files_are_opened(path: str, scheme: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ImsError, match="not a file that the API server can read"):
        listed(1, results_path=f"{scheme}{tmp_path / path}").jobs(0, 1)


class CountedFile(io.FileIO):
    """A file that counts the bytes that are read from it."""

    bytes_read = 0

    def readinto(self, buffer: Any) -> int | None:
        count = super().readinto(buffer)
        CountedFile.bytes_read += count or 0
        return count


class CountingFileSystem(LocalFileSystem):  # type: ignore[misc]
    def _open(self, path: str, mode: str = "rb", **_: Any) -> io.BufferedReader:
        return io.BufferedReader(CountedFile(path))


@pytest.fixture
def counting_storage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(CountedFile, "bytes_read", 0)
    store.attach("file", alias="file-counting", fs=CountingFileSystem())
    yield
    del store._STORE_CACHE["file-counting"]


@pytest.mark.usefixtures("counting_storage")
@pytest.mark.parametrize("shown", [0, 2])
def test_a_long_line_is_not_read_to_its_end(shown: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_results, "MAX_PAGE", 1000)
    path = tmp_path / "results.jsonl"
    path.write_text("x" * 2_000_000)
    with pytest.raises(ImsError, match="exceed 1,000 characters"):
        listed(3, results_path=f"file://counting@{path}").jobs(shown, 1)
    # Files are read in blocks.
    assert 1000 < CountedFile.bytes_read < 1_000_000


def test_the_size_of_a_page_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results = stored(tmp_path / "results.jsonl")
    monkeypatch.setattr(_results, "MAX_PAGE", 150)
    assert len(results.jobs(0, 1)) == 1
    with pytest.raises(ImsError, match="exceed 150 characters"):
        results.jobs(0, 3)


def test_a_file_is_not_opened_for_jobs_after_the_last() -> None:
    assert listed(3, results_path="/dev/missing").jobs(3, 50) == []


@pytest.mark.parametrize(
    "content",
    [
        "",
        "x\n",
        "1\n",
        "{}\n",
        '{"job_id": "j0"}\n',
        json.dumps(line(0, job_id="other")) + "\n",
        '{"job_id": "j0", "result": ' + "[" * 100_000 + "]" * 100_000 + "}\n",
        '{"job_id": "j0", "result": ' + "1" * 5000 + "}\n",
    ],
    ids=lambda content: content[:40],
)
def test_a_file_with_other_contents_is_an_error(content: str, tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text(content)
    with pytest.raises(ImsError, match="The results could not be read"):
        listed(2, results_path=str(path)).jobs(0, 2)


def test_a_file_that_is_not_utf_8_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "results.jsonl").write_bytes(b"\xff\xfe\n")
    with pytest.raises(ImsError, match="UnicodeDecodeError"):
        listed(1, results_path=str(tmp_path / "results.jsonl")).jobs(0, 1)


class StorageError(Exception):
    """An error of a storage library; the errors of different libraries have no common base class."""


class BrokenFileSystem(LocalFileSystem):  # type: ignore[misc]
    def isfile(self, path: str) -> bool:
        raise StorageError("secret")


@pytest.fixture
def broken_storage() -> Iterator[None]:
    store.attach("file", alias="file-broken", fs=BrokenFileSystem())
    yield
    del store._STORE_CACHE["file-broken"]


@pytest.mark.usefixtures("broken_storage")
def test_an_error_of_a_storage_library_is_reported_without_its_message() -> None:
    with pytest.raises(ImsError, match="StorageError") as caught:
        listed(1, results_path="file://broken@/results.jsonl").jobs(0, 1)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"results": {"a": 1}},
        {"results": "text"},
        {"results": [None]},
        {"results": None, "results_path": {"a": 1}},
        {"results_path": 7},
        {"results_path": "http://127.0.0.1:1/results.jsonl"},
        {"results_path": "unknown://results.jsonl"},
        {"results_path": "\0"},
    ],
    ids=str,
)
def test_unreadable_results_are_an_error_and_the_jobs_are_still_listed(fields: dict[str, Any]) -> None:
    results = listed(2, **fields)
    with pytest.raises(ImsError, match="The results could not be read"):
        results.jobs(0, 2)
    assert results.without_results(1, 5) == [JobRecord(1, "j1", "Finished")]


@pytest.mark.parametrize("job", [None, 1, "j0", [], {"job_id": ["j0"], "state": {"a": 1}}, {"job_id": 7, "state": 1.5}])
def test_unexpected_jobs_have_text_as_id_and_state(job: Any) -> None:
    results = Results({"total": 1, "jobs": [job], "results": [{"texts": ["a"]}]})
    (found,) = results.jobs(0, 1)
    assert isinstance(found.job_id, str | None)
    assert isinstance(found.state, str | None)
    assert found.result == {"texts": ["a"]}
