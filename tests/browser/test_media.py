"""The media pages in Airflow: images are drawn, audio and videos play, and a click on a sentence seeks to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import Locator, Page, expect
from support.browser import open_page, save_screenshot
from support.system import connect
from support.waiting import CEILING

from local_airflow import EmulatorService, LocalAirflow
from local_airflow.demo import DAG_ID

pytestmark = pytest.mark.slow


class Pipeline(NamedTuple):
    """A DAG run of the content pipeline that has ended."""

    airflow: LocalAirflow
    run_id: str

    @property
    def media(self) -> str:
        """The URL of the media page of the DAG run."""
        return f"{self.airflow.url}/ims/media/dags/{DAG_ID}?run_id={quote(self.run_id, safe='')}"

    def task(self, task_id: str) -> str:
        """Return the URL of a task's page in Airflow."""
        return f"{self.airflow.url}/dags/{DAG_ID}/runs/{quote(self.run_id, safe='')}/tasks/{task_id}/details"


@pytest.fixture(scope="module")
def pipeline(example_airflow: LocalAirflow, emulator_service: EmulatorService) -> Iterator[Pipeline]:
    connect(example_airflow, emulator_service)
    api, control = example_airflow.api, emulator_service.control
    api.unpause(DAG_ID)
    run_id = api.trigger(DAG_ID)

    def advance_clock(_: object) -> None:
        control.advance(3600)

    assert api.wait(DAG_ID, run_id, timeout=CEILING, on_progress=advance_clock) == "success"
    yield Pipeline(example_airflow, run_id)
    control.reset()


@pytest.fixture(scope="module")
def page(pipeline: Pipeline) -> Iterator[Page]:
    with open_page() as page:
        page.goto(f"{pipeline.airflow.url}/auth/token/login")
        yield page


def open_media(page: Page, pipeline: Pipeline, task_id: str) -> None:
    """Open the media page of a task with the link on Airflow's page."""
    page.goto(pipeline.task(task_id))
    page.get_by_role("link", name="Media", exact=True).click()
    expect(page.get_by_role("heading", name=task_id, exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("/ims/media/"))


def wait_for_media(element: Locator, condition: str) -> None:
    """Wait until a condition on an element, such as ``one.naturalWidth > 0``, holds."""
    element.scroll_into_view_if_needed()
    element.page.wait_for_function(f"one => {condition}", arg=element.element_handle())


def check_image(image: Locator) -> None:
    wait_for_media(image, "one.naturalWidth > 0")


def check_audio(sound: Locator, sentence: Locator) -> None:
    wait_for_media(sound, "one.duration > 1")
    began = float(sentence.get_attribute("data-from") or "0")
    assert began > 0
    sentence.click()
    wait_for_media(sound, f"one.currentTime >= {began} && !one.paused")
    expect(sentence).to_have_attribute("aria-current", "true")
    sound.evaluate("one => one.pause()")


def check_video(video: Locator) -> None:
    wait_for_media(video, "one.duration > 1 && one.videoWidth > 0")
    video.evaluate("one => { one.muted = true; return one.play() }")
    wait_for_media(video, "one.currentTime > 0.5")
    video.evaluate("one => one.pause()")


def test_the_copy_is_shown_with_its_tokens(page: Page, pipeline: Pipeline) -> None:
    open_media(page, pipeline, "copy")
    expect(page.locator(".text")).to_have_count(3)
    expect(page.get_by_text("Tokens")).to_be_visible()


def test_a_sentence_of_the_voice_over_is_played(page: Page, pipeline: Pipeline) -> None:
    open_media(page, pipeline, "voice_over")
    check_audio(page.locator("audio"), page.locator(".sentences button").nth(1))


def test_the_videos_play(page: Page, pipeline: Pipeline) -> None:
    open_media(page, pipeline, "videos")
    expect(page.locator("video")).to_have_count(3)
    check_video(page.locator("video").first)


def test_the_images_are_drawn_in_the_order_of_their_scores(page: Page, pipeline: Pipeline) -> None:
    open_media(page, pipeline, "covers")
    images = page.locator("img")
    expect(images.first).to_be_visible()
    for image in images.all():
        check_image(image)
    scores = [float(text.split()[1]) for text in page.get_by_text(re.compile(r"Score [\d.]+")).all_inner_texts()]
    assert scores == sorted(scores, reverse=True)


def test_the_page_of_the_dag_run_shows_the_media_of_all_tasks(page: Page, pipeline: Pipeline) -> None:
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text))
    page.goto(pipeline.media)
    for task_id in ("copy", "voice_over", "videos", "covers"):
        expect(page.get_by_role("heading", name=task_id)).to_be_visible()
    check_audio(page.locator("audio").first, page.locator(".sentences button").nth(1))
    check_video(page.locator("video").first)
    check_image(page.locator("img").first)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert problems == []
    page.evaluate("scrollTo(0, 0)")
    page.set_viewport_size({"width": 1280, "height": 1500})
    for video in page.locator("video").all():
        wait_for_media(video, "one.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA")
    page.evaluate("scrollTo(0, 0)")
    save_screenshot(page, "media")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_page_has_the_theme_of_airflow(theme: str, page: Page, pipeline: Pipeline) -> None:
    page.goto(pipeline.airflow.url)
    page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
    page.goto(pipeline.media)
    brightness = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/)[0]")
    assert (float(brightness) > 128) is (theme == "light")
    page.evaluate("localStorage.removeItem('theme')")
