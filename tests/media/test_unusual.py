"""No recorded value makes a page fail: records, results and files with unusual values."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.utils.session import create_session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from support.media_pages import RECORD, Recorder
from support.unusual_values import UNUSUAL_JSON, UNUSUAL_TEXTS

from airflow_provider_ims.links import RECORD_KEY
from airflow_provider_ims.media import _results

if TYPE_CHECKING:
    from fastapi.testclient import TestClient


pytestmark = pytest.mark.usefixtures("ims_emulator")

BASE = "http://your-bucket.oss-cn-shanghai.aliyuncs.com"
#: The fields of results that the pages interpret.
FIELDS = (
    "job_id",
    "state",
    "texts",
    "sentences",
    "content",
    "from",
    "to",
    "failed",
    "usage",
    "total_tokens",
    "media_id",
    "media_url",
    "video_id",
    "image_id",
    "images",
    "videos",
    "score",
    "duration",
    "url",
    "error_code",
    "error_message",
    "total",
    "jobs",
    "results",
    "results_path",
    "items",
)
#: Addresses that programs often process incorrectly.
ADDRESSES = (
    "https://[x/a.mp4",
    "https://[::1/a.srt",
    "https://h:99999/a.mp4",
    "https://h:port/a.png",
    "https://ü..x/a.mp4",
    "http://0::/0",
    "https://@/a.mp4",
    "https://user:password@/a.mp4",
    "https://\ud800/a.mp4",
    "https://h/\ud800.mp4",
    "https://ex\u2100mple/a.mp4",
    "https://h/%ff%00.mp4",
    "oss://[x/a.mp4",
    "oss://b/%.mp4",
    "oss:///a.mp4",
    "OSS://your-bucket/a.srt",
    f"{BASE}/%ff.srt",
    f"{BASE}/\ud800.srt",
    f"{BASE}/a.mp4?x-oss-signature=\ud800",
    "https://h/a.mp4\r\nx: y",
    "//h/a.mp4",
)
#: Unusual values, without the large numbers and the deeply nested lists, which cannot be stored.
LEAVES = [json.loads(value) for value in UNUSUAL_JSON if len(value) < 4_000 or value[0] == '"']
LEAVES += [*UNUSUAL_TEXTS, *ADDRESSES]
#: The links on a page to other pages and to texts.
LINKS = re.compile(r'(?:href|src|data-subtitles|data-poster)="(/ims/media/dags[^"]*|\?[^"]*)"')
SENTENCES = [
    {},
    {"content": "a"},
    {"from": 0},
    {"content": None, "from": "a", "to": []},
    {"content": {"a": 1}, "from": float("nan"), "to": float("inf")},
    {"content": ["a"], "from": 10**400, "to": -1},
]


def nested(levels: int) -> Any:
    """Return nested objects and lists with a file."""
    value: Any = f"{BASE}/deep.mp4"
    for level in range(levels):
        value = [value] if level % 2 else {"a": value}
    return value


def open_pages(client: TestClient, recorder: Recorder) -> str:
    """Open the page of the DAG run and follow its links over two levels; return the text of the page."""
    opened = {recorder.url(): client.get(recorder.url())}
    assert opened[recorder.url()].status_code == 200
    for _ in range(2):
        for page in list(opened.values()):
            for url in LINKS.findall(page.text):
                address = str(page.request.url.join(html.unescape(url)))
                if address not in opened:
                    opened[address] = client.get(address)
                    allowed = (302, 404, 502, 204) if "/file" in address else (200, 502)
                    assert opened[address].status_code in allowed, address
    return opened[recorder.url()].text


@pytest.mark.slow
@pytest.mark.parametrize("field", FIELDS)
def test_no_page_fails_because_of_an_unusual_value_in_a_field(
    field: str, client: TestClient, recorder: Recorder
) -> None:
    result = {"job_id": "j1", "state": "Finished", "texts": ["Shown"], "media_id": "m1"}
    recorder.task("many", [{**result, field: leaf, "inner": [{field: leaf}]} for leaf in LEAVES])
    recorder.task("failed", {**result, field: LEAVES[0]}, state="failed")
    assert "Shown" in open_pages(client, recorder) or field == "texts"


@pytest.mark.parametrize("field", ["total", "jobs", "results", "results_path"])
def test_no_page_fails_because_of_an_unusual_value_in_the_result_of_many_jobs(
    field: str, client: TestClient, recorder: Recorder
) -> None:
    jobs = [{"index": 0, "job_id": "j1", "state": "Finished"}]
    for index, leaf in enumerate(LEAVES):
        result = {"total": 1, "jobs": jobs, "results": [{"texts": ["Shown"]}], field: leaf}
        recorder.task("task", result, map_index=index)
    for page in range(1, len(LEAVES) // 50 + 2):
        assert client.get(recorder.url(page=page)).status_code == 200


@pytest.mark.parametrize("field", ["product", "ims_conn_id", "region_id", "job_id", "submitted_at"])
def test_no_page_fails_because_of_an_unusual_value_in_a_record(
    field: str, client: TestClient, recorder: Recorder
) -> None:
    for index, leaf in enumerate(LEAVES):
        recorder.task("task", {"texts": ["Shown"]}, record={**RECORD, field: leaf}, map_index=index)
    for page in range(1, len(LEAVES) // 50 + 2):
        assert client.get(recorder.url(page=page)).status_code == 200


@pytest.mark.parametrize("record", [None, "text", 1, [], {}, {"product": "ice"}, {"product": ["ice"]}], ids=str)
def test_no_page_fails_because_of_an_unusual_record(record: Any, client: TestClient, recorder: Recorder) -> None:
    recorder.task("task", {"texts": ["Shown"]}, record=record)
    assert client.get(recorder.url()).status_code == 200
    assert client.get(recorder.url("/task", task_id="task")).status_code in (200, 404)


def test_sentences_with_unusual_times_are_shown(client: TestClient, recorder: Recorder) -> None:
    for index, sentence in enumerate(SENTENCES):
        recorder.task("sound", {"media_url": f"{BASE}/a.mp3", "sentences": [sentence]}, map_index=index)
    page = open_pages(client, recorder)
    assert page.count("<li><button") == len(SENTENCES)


@pytest.mark.parametrize("levels", [10, 46, 51, 300, 900])
def test_a_deeply_nested_result_is_shown_in_part(levels: int, client: TestClient, recorder: Recorder) -> None:
    recorder.task("single", {"texts": ["Shown"], "value": nested(levels)})
    recorder.task("parts", {"failed": [{"value": nested(levels)}], "sentences": [{"content": nested(levels)}]})
    page = open_pages(client, recorder)
    assert "Shown" in page
    assert ("nested deeper" in page) == (levels > 46)


@pytest.mark.parametrize("stored", ["[" * 100_000 + "]" * 100_000, "not JSON"], ids=["deep", "invalid"])
@pytest.mark.parametrize("key", [RECORD_KEY, "return_value"])
def test_xcoms_that_cannot_be_loaded_do_not_hide_other_tasks(
    key: str, stored: str, client: TestClient, recorder: Recorder
) -> None:
    recorder.task("broken", {"texts": ["Hidden"]})
    recorder.task("copy", {"texts": ["Shown"]})
    with create_session() as session:
        where = {"stored": stored, "dag_id": recorder.dag_id, "key": key}
        change = "UPDATE xcom SET value = :stored WHERE dag_id = :dag_id AND task_id = 'broken' AND key = :key"
        session.execute(text(change), where)
    page = open_pages(client, recorder)
    assert "Shown" in page
    assert "Hidden" not in page
    assert ("could not be read" in page) == (key == "return_value")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(LEAVES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), inner, max_size=6)
    ),
    max_leaves=20,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    product=st.sampled_from(["ice", "vod"]),
    result=st.dictionaries(st.sampled_from(FIELDS), JSON) | JSON,
    record=st.dictionaries(st.sampled_from(list(RECORD)), JSON),
    lines=st.lists(JSON, max_size=3),
)
def test_no_recorded_value_makes_the_page_fail(
    product: str, result: Any, record: dict[str, Any], lines: list[Any], client: TestClient, tmp_path: Path
) -> None:
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    _results._lines.cache_clear()
    jobs = [{"index": index, "job_id": "j1", "state": "Finished"} for index in range(len(lines))]
    with Recorder("unusual") as recorder:
        recorder.task("single", result, record={**RECORD, "product": product})
        recorder.task("recorded", result, record={**RECORD, **record})
        recorder.task("failed", result, state="failed")
        recorder.task("file", {"total": 1, "jobs": jobs, "results_path": str(path)})
        recorder.task("file2", {"total": 1, "jobs": jobs, "results": lines})
        open_pages(client, recorder)
