from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from support.emulated import GOOD_REQUESTS
from support.media_pages import RECORD, Recorder, log_in

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook
from airflow_provider_ims.media import _pages, _results

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

BASE = "http://your-bucket.oss-cn-shanghai.aliyuncs.com"
TEXT = {"job_id": "j1", "state": "Finished", "texts": ["A cake"], "usage": {"total_tokens": 200}}
VIDEO = {"job_id": "j1", "state": "Finished", "videos": [{"media_url": f"{BASE}/1.mp4", "duration": 15.0}]}
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


def links(page: str, path: str) -> list[str]:
    """Return the URLs on a page that contain a path."""
    found = re.findall(r'(?:href|src)="([^"]*)"', page)
    return list(dict.fromkeys(html.unescape(url) for url in found if path in url))


@pytest.fixture
def many(recorder: Recorder, ims_emulator: ImsEmulator, tmp_path: Path) -> Recorder:
    """Return a recorder with two tasks with 1,000 jobs each. The results of one task are in a file."""
    jobs = [{"index": n, "job_id": f"j{n}", "state": "success"} for n in range(1000)]
    images = [
        {
            "job_id": f"j{n}",
            "state": "success",
            "video_id": f"v{n}",
            "images": [{"score": 0.5, "url": f"{BASE}/{n}.gif"}],
        }
        for n in range(1000)
    ]
    result = {"total": 1000, "succeeded": 1000, "failed": 0, "jobs": jobs, "results": images}
    record = {**RECORD, "product": "vod"}
    recorder.task("covers", result, record=record)
    lines = [{"job_id": one["job_id"], "result": one, "error": None} for one in images]
    recorder.task("file", store(tmp_path / "results.jsonl", lines), record=record)
    return recorder


PAGES = ("", "/task", "/file", "/subtitles", "/text")


@pytest.mark.parametrize("page", PAGES)
def test_without_a_session_nothing_is_shown(page: str, anonymous: TestClient, recorder: Recorder) -> None:
    recorder.task("copy", TEXT)
    response = anonymous.get(recorder.url(page, task_id="copy", item="x", number=0))
    assert response.status_code == 401
    assert "A cake" not in response.text


@pytest.mark.parametrize("page", PAGES)
def test_without_access_to_the_dag_nothing_is_shown(page: str, client: TestClient, recorder: Recorder) -> None:
    recorder.task("copy", TEXT)
    log_in(client, role=None)
    response = client.get(recorder.url(page, task_id="copy", item="x", number=0))
    assert response.status_code == 403
    assert "A cake" not in response.text


@pytest.mark.parametrize("page", PAGES)
def test_the_pages_can_be_disabled(
    page: str, client: TestClient, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.task("copy", TEXT)
    monkeypatch.setenv("AIRFLOW__IMS__MEDIA_PAGES", "False")
    response = client.get(recorder.url(page, task_id="copy", item="x", number=0))
    assert response.status_code == 404
    assert "[ims] media_pages" in response.text
    assert "A cake" not in response.text


def test_an_invalid_session_is_rejected(client: TestClient, recorder: Recorder) -> None:
    client.cookies.set("_token", "invalid")
    assert client.get(recorder.url()).status_code in (401, 403)


@pytest.mark.parametrize("page", [*PAGES, "/unknown"])
def test_all_responses_have_the_security_headers(page: str, client: TestClient, recorder: Recorder) -> None:
    recorder.task("copy", TEXT)
    for response in (client.get(recorder.url(page, task_id="copy", item="x", number=0)), client.get("/ims/x")):
        assert response.headers["cache-control"] == "no-store"
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["x-frame-options"] == "SAMEORIGIN"
        policy = response.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; ")
        assert "unsafe" not in policy


def test_the_page_of_a_task_shows_its_result_and_its_job(
    client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator
) -> None:
    recorder.task("copy", TEXT)
    page = client.get(recorder.url("/task", task_id="copy"))
    assert page.status_code == 200
    for shown in ("A cake", "Finished", "200", "https://ims.console.aliyun.com", "j1", "1:01.5", "success"):
        assert shown in page.text
    assert "data:" not in page.text
    (style,) = links(page.text, "/static/media.css")
    assert client.get(style).headers["content-type"].startswith("text/css")


def test_the_page_of_a_dag_run_shows_all_tasks_of_the_provider(
    client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator
) -> None:
    recorder.task("copy", TEXT)
    recorder.task("other", {"texts": ["of another provider"]}, record=None)
    for index in range(2):
        recorder.task("mapped", {**TEXT, "texts": [f"Text {index}"]}, map_index=index)
    page = client.get(recorder.url()).text
    assert "A cake" in page
    assert "of another provider" not in page
    for url in links(page, "/task?"):
        assert client.get(url).status_code == 200
    assert client.get(links(page, "map_index=1")[0]).text.count("Text 1") == 1


def test_a_task_of_another_provider_has_no_page(client: TestClient, recorder: Recorder) -> None:
    recorder.task("other", TEXT, record=None)
    assert client.get(recorder.url("/task", task_id="other")).status_code == 404
    assert client.get(recorder.url("/task", task_id="missing")).status_code == 404


def test_a_task_without_a_result_shows_its_job(
    client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator
) -> None:
    recorder.task("copy", None, state="failed")
    page = client.get(recorder.url("/task", task_id="copy")).text
    assert "failed" in page
    assert "Its log shows why it failed" in page
    assert "j1" in page


def test_a_failed_task_shows_the_error_of_its_job(
    client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator
) -> None:
    result = {"job_id": "j1", "state": "Failed", "error_code": "Bad", "error_message": "No tokens."}
    recorder.task("copy", result, state="failed")
    assert "Bad: No tokens." in client.get(recorder.url("/task", task_id="copy")).text


def test_the_errors_of_failed_parts_and_failed_jobs_are_shown(
    client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator
) -> None:
    failed = [{"index": 1, "job_id": "p1", "error_code": "BadClip", "error_message": "A clip is broken."}]
    recorder.task("videos", {**VIDEO, "failed": failed})
    recorder.task("wait", [TEXT, {"job_id": "j2", "state": "Failed", "error_code": "Bad", "error_message": "No <b>"}])
    page = client.get(recorder.url()).text
    for shown in ("BadClip", "A clip is broken.", "p1", "Bad: No &lt;b&gt;", "j2"):
        assert shown in page


def test_a_recorded_file_redirects_to_its_signed_url(
    client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator
) -> None:
    hook = VodHook("ims_default")
    job_id = hook.call("SubmitAIImageJob", GOOD_REQUESTS["SubmitAIImageJob"])["JobId"]
    (job,) = hook.call("GetAIImageJobs", {"JobIds": job_id})["AIImageJobList"]
    images = [{"score": one["Score"], "url": one["Url"]} for one in json.loads(job["AIImageResult"])]
    result = {"job_id": job_id, "state": "success", "video_id": job["VideoId"], "images": images}
    recorder.task("covers", result, record={**RECORD, "product": "vod"})
    page = client.get(recorder.url("/task", task_id="covers")).text
    urls = links(page, "/file?")
    assert len(urls) == len(images)
    for url in urls:
        response = client.get(url)
        assert response.status_code == 302
        assert response.headers["cache-control"] == "no-store"
        assert "Signature=" in response.headers["location"]
    assert "Signature=" not in page
    # One response contains all images of the video.
    assert len(ims_emulator.requests("ListAIImageInfo")) == 1


@pytest.mark.parametrize(
    "item", ["", "0", "http://example.com/secret.mp4", "oss://b/secret.mp4", "0" * 24, "javascript:alert(1)"]
)
def test_a_file_that_no_task_recorded_is_not_found(item: str, client: TestClient, recorder: Recorder) -> None:
    recorder.task("videos", VIDEO)
    response = client.get(recorder.url("/file", task_id="videos", item=item))
    assert response.status_code == 404
    assert "location" not in response.headers


def test_subtitles_are_read_only_from_oss(client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator) -> None:
    hook = ImsHook("ims_default")
    media_id = hook.call("RegisterMediaInfo", {"InputURL": f"{BASE}/talk.srt"})["MediaId"]
    recorder.task("translate", {"media_id": media_id, "url": f"{BASE}/talk.srt", "other": "http://127.0.0.1:1/a.srt"})
    page = client.get(recorder.url("/task", task_id="translate")).text
    found, other = re.findall(r'data-subtitles="([^"]*)"', page)
    response = client.get(html.unescape(found))
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert client.get(html.unescape(other)).status_code == 502
    assert "Signature" not in response.text


def test_a_file_of_another_task_is_not_found(client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator) -> None:
    recorder.task("videos", VIDEO)
    recorder.task("copy", TEXT)
    (url,) = links(client.get(recorder.url("/task", task_id="videos")).text, "/file?")
    assert client.get(url.replace("task_id=videos", "task_id=copy")).status_code == 404


def test_values_of_results_are_escaped(client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator) -> None:
    result = {
        "job_id": ATTACK,
        "state": ATTACK,
        "texts": [ATTACK],
        "sentences": [{"content": ATTACK, "from": ATTACK, "to": None}],
        "failed": [{ATTACK: ATTACK}],
        "media_url": f"{BASE}/{ATTACK.replace(' ', '')}.mp4",
        ATTACK: {"title": ATTACK, "url": "javascript:alert(1)"},
    }
    recorder.task(f"task{ATTACK}"[:60], result)
    for url in (recorder.url(), recorder.url("/task", task_id=f"task{ATTACK}"[:60])):
        page = client.get(url)
        assert page.status_code == 200
        assert "<script>" not in page.text
        assert "<img src=x" not in page.text
        assert not re.search(r'(?:href|src)="\s*javascript:', page.text)


def test_a_text_of_ten_million_characters_is_shortened_and_can_be_downloaded(
    client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator
) -> None:
    text = "云" * 10_000_000
    recorder.task("copy", {**TEXT, "texts": [text], "note": text})
    page = client.get(recorder.url("/task", task_id="copy"))
    assert len(page.text) < 50_000
    (whole,) = links(page.text, "number=0")
    response = client.get(whole)
    assert response.text == text
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("in_a_file", [False, True])
def test_a_page_of_a_thousand_results_processes_only_the_results_of_its_jobs(
    in_a_file: bool, client: TestClient, many: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[Any] = []
    viewed: list[Any] = []
    showable, job_view = _results.showable, _pages.job_view
    monkeypatch.setattr(_results, "showable", lambda line: (parsed.append(line), showable(line))[1])
    monkeypatch.setattr(_pages, "job_view", lambda job, **options: (viewed.append(job), job_view(job, **options))[1])
    for page in (1, 20):
        response = client.get(many.url("/task", task_id="file" if in_a_file else "covers", page=page))
        expected = [f"j{number}" for number in range(50 * page - 50, 50 * page)]
        assert [result["job_id"] for result in viewed] == expected
        assert [line["job_id"] for line in parsed] == (expected if in_a_file else [])
        assert response.text.count('loading="lazy"') == 50
        parsed.clear()
        viewed.clear()
    assert "Page 20 of 20, 1,000 jobs" in response.text
    assert links(response.text, "job=999")


def test_a_page_after_the_last_does_not_exist(client: TestClient, many: Recorder) -> None:
    for url in (many.url("/task", task_id="covers", page=21), many.url(page=2)):
        response = client.get(url)
        assert response.status_code == 404
        assert "There is no page" in response.text
    assert client.get(many.url("/task", task_id="covers", page=0)).status_code == 422
    assert client.get(many.url("/file", task_id="covers", job=1000, item="x")).status_code == 404


def store(path: Path, lines: list[Any]) -> dict[str, Any]:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    jobs = [{"index": n, "job_id": f"j{n}", "state": "Finished"} for n in range(len(lines))]
    return {"total": len(lines), "succeeded": len(lines), "failed": 0, "jobs": jobs, "results_path": f"file://{path}"}


def test_results_in_a_file_are_read_by_page(
    client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator, tmp_path: Path
) -> None:
    lines: list[Any] = [
        {"index": n, "job_id": f"j{n}", "state": "Finished", "result": {**TEXT, "texts": [f"Text {n}."]}, "error": None}
        for n in range(60)
    ]
    lines[59] |= {"result": None, "error": "Job j59 failed: Bad"}
    recorder.task("copy", store(tmp_path / "results.jsonl", lines))
    first, second = (client.get(recorder.url("/task", task_id="copy", page=page)).text for page in (1, 2))
    assert "Text 0." in first
    assert "Text 50." not in first
    assert "Text 50." in second
    assert "Job j59 failed: Bad" in second


@pytest.mark.parametrize(
    "line", [{"password": "canary"}, {"job_id": "other", "result": {"texts": ["canary"]}}, "canary"]
)
def test_a_file_with_other_content_is_not_shown(
    line: Any, client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator, tmp_path: Path
) -> None:
    recorder.task("copy", store(tmp_path / "results.jsonl", [line]))
    page = client.get(recorder.url("/task", task_id="copy"))
    assert page.status_code == 200
    assert "could not be read" in page.text
    assert "canary" not in page.text
    response = client.get(recorder.url("/text", task_id="copy", number=0))
    assert response.status_code == 502
    assert "could not be read" in response.text
    # The rest of the page is shown.
    assert "j0" in page.text


def test_a_missing_connection_is_reported(
    client: TestClient, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.task("videos", VIDEO, record={**RECORD, "ims_conn_id": "missing"})
    page = client.get(recorder.url("/task", task_id="videos"))
    assert "Connection missing could not be read" in page.text
    (url,) = links(page.text, "/file?")
    assert client.get(url).status_code == 502


@pytest.mark.parametrize(
    ("field", "value"),
    [("region_id", "x.example.com/#"), ("region_id", {"a": 1}), ("ims_conn_id", ["ims_default"]), ("ims_conn_id", 7)],
)
def test_no_file_is_opened_for_an_invalid_record(
    field: str, value: Any, client: TestClient, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The connection has no endpoints, so its hosts are derived from the region.
    monkeypatch.setenv("AIRFLOW_CONN_IMS_DEFAULT", "alibabacloud-ims://key:secret@/?region_id=cn-shanghai")
    recorder.task("videos", VIDEO, record={**RECORD, field: value})
    page = client.get(recorder.url("/task", task_id="videos"))
    assert page.status_code == 200
    assert page.text.count('role="alert"') == 1
    assert "1.mp4" in page.text
    (url,) = links(page.text, "/file?")
    response = client.get(url)
    assert response.status_code == 502
    assert "location" not in response.headers


def test_the_error_for_a_denied_action_contains_its_name(
    client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator
) -> None:
    recorder.task(
        "covers", {"video_id": "v9", "images": [{"url": f"{BASE}/1.gif"}]}, record={**RECORD, "product": "vod"}
    )
    (url,) = links(client.get(recorder.url("/task", task_id="covers")).text, "/file?")
    ims_emulator.fault("ListAIImageInfo", "deny")
    response = client.get(url)
    assert response.status_code == 502
    assert "vod:ListAIImageInfo" in response.text


def test_without_the_extra_the_page_shows_what_to_install(
    client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.task("videos", VIDEO)
    recorder.task("more", VIDEO)
    for is_installed in (True, False):
        monkeypatch.setattr(_pages, "can_presign", lambda is_installed=is_installed: is_installed)
        for url in (recorder.url(), recorder.url("/task", task_id="videos")):
            expected = 0 if is_installed else 1
            assert client.get(url).text.count("pip install &#39;airflow-provider-ims[media]&#39;") == expected


def test_the_policy_allows_the_media_of_the_emulator(
    client: TestClient, recorder: Recorder, ims_emulator: ImsEmulator
) -> None:
    recorder.task("videos", VIDEO)
    policy = client.get(recorder.url("/task", task_id="videos")).headers["content-security-policy"]
    assert f"media-src 'self' https: http://{ims_emulator.endpoint};" in policy
    assert urlsplit(ims_emulator.url).netloc == ims_emulator.endpoint
