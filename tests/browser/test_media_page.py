"""The media pages in a browser without Airflow: scripts in results are not executed; subtitles are shown as lines."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
import uvicorn
from fastapi import Response
from playwright.sync_api import Page, expect
from support.browser import open_page
from support.media_pages import Recorder, media_server, session_of
from support.waiting import CEILING

from airflow_provider_ims.hooks.ims import ImsHook
from local_airflow import wait_until
from local_airflow.service import free_port

if TYPE_CHECKING:
    from airflow_provider_ims.emulator import ImsEmulator

pytestmark = pytest.mark.slow

BUCKET = "http://your-bucket.oss-cn-shanghai.aliyuncs.com"
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


@pytest.fixture(scope="module")
def url(airflow_db: None) -> Iterator[str]:
    """Run a server with the media pages and return its URL."""
    port = free_port()
    app = media_server()
    # Airflow also serves an icon.
    app.add_api_route("/favicon.ico", lambda: Response(status_code=204))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    wait_until("server", lambda: server.started, CEILING)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(url: str) -> Iterator[Page]:
    with open_page() as page:
        page.context.add_cookies([{"name": "_token", "value": session_of("ADMIN"), "url": url}])
        yield page


@pytest.fixture
def recorder(airflow_db: None) -> Iterator[Recorder]:
    with Recorder("media_page") as recorder:
        yield recorder


def test_a_script_in_a_result_is_not_executed(
    page: Page, url: str, recorder: Recorder, ims_emulator: ImsEmulator
) -> None:
    problems: list[str] = []
    page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    result = {
        "job_id": ATTACK,
        "texts": [ATTACK, "x" * 10_000_000],
        "sentences": [{"content": ATTACK, "from": ATTACK, "to": None}],
        "failed": [{ATTACK: ATTACK}],
        "media_url": "javascript:alert(3)",
        ATTACK: {"title": ATTACK, "url": "javascript:alert(4)"},
    }
    recorder.task("task", result)
    for path in (recorder.url("/task", task_id="task"), recorder.url()):
        page.goto(url + path)
        expect(page.get_by_text(ATTACK).first).to_be_visible()
        assert page.locator("img, main script, [href^=javascript]").count() == 0
    # Nothing violates the Content-Security-Policy either.
    assert problems == []


def test_subtitles_are_shown_as_lines(page: Page, url: str, recorder: Recorder, ims_emulator: ImsEmulator) -> None:
    hook = ImsHook("ims_default")
    parameters = {
        "InputConfig": {"Type": "Video", "Video": "1628ae20c368f6f7c77a6302"},
        "OutputConfig": {"MediaURL": f"{BUCKET}/out.mp4"},
        "EditingConfig": {"SourceLanguage": "zh", "TargetLanguage": "en"},
        "Title": ATTACK,
    }
    job_id = hook.call("SubmitVideoTranslationJob", parameters)["Data"]["JobId"]
    recorder.task("translate", {"job_id": job_id, **hook.call("GetSmartHandleJob", {"JobId": job_id})["JobResult"]})
    page.goto(url + recorder.url("/task", task_id="translate"))
    line = page.locator("[data-subtitles] li").first
    line.scroll_into_view_if_needed()
    expect(line.locator("time")).to_have_text("00:00:00")
    expect(line).to_contain_text(ATTACK)
