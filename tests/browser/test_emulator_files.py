"""Browsers can play the files that the emulator creates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from support.browser import open_page
from support.emulated import GOOD_REQUESTS, SignedClient

from airflow_provider_ims.emulator import ImsEmulator

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow

#: Shows a file, and returns its size and its duration after the browser has loaded it.
LOAD = """([tag, url]) => new Promise((resolve, reject) => {
  const element = document.createElement(tag);
  element.addEventListener(tag === "img" ? "load" : "canplaythrough", () => resolve({
    width: element.naturalWidth ?? element.videoWidth,
    height: element.naturalHeight ?? element.videoHeight,
    seconds: element.duration,
  }));
  element.addEventListener("error", () => reject(new Error(element.error?.message ?? "not an image")));
  element.muted = true;
  element.src = url;
  document.body.append(element);
})"""
#: Seeks to a time, plays the file, and returns the time after it has advanced.
PLAY_FROM = """async seconds => {
  const element = document.querySelector("audio, video");
  element.currentTime = seconds;
  await new Promise(resolve => element.addEventListener("seeked", resolve, {once: true}));
  await element.play();
  while (element.currentTime <= seconds + 0.1) await new Promise(requestAnimationFrame);
  return element.currentTime;
}"""


@pytest.fixture
def emulator() -> Iterator[ImsEmulator]:
    with ImsEmulator(clock="manual") as emulator:
        yield emulator


@pytest.fixture
def page(emulator: ImsEmulator) -> Iterator[Page]:
    with open_page() as page:
        page.goto(f"{emulator.url}/_emulator/health")
        yield page


def links(emulator: ImsEmulator, page: Page, action: str, **changes: Any) -> list[str]:
    """Run a job and return the links to its files on the page of the emulator."""
    parameters = {**GOOD_REQUESTS[action], **{name: json.dumps(value) for name, value in changes.items()}}
    status, body = SignedClient.of(emulator)(action, parameters)
    assert status == 200
    emulator.finish(body["JobId"])
    page.goto(emulator.url)
    found = [str(link.get_attribute("href")) for link in page.locator("#jobs a").all()]
    # The Content-Security-Policy of this page allows files.
    page.goto(f"{emulator.url}/_emulator/health")
    return found


def test_a_video_plays_from_any_time(emulator: ImsEmulator, page: Page) -> None:
    output = {"MediaURL": "oss://b/v.mp4", "Width": 320, "Height": 180, "FixedDuration": 12}
    (url,) = links(emulator, page, "SubmitBatchMediaProducingJob", OutputConfig=output)
    shown = page.evaluate(LOAD, ["video", url])
    assert (shown["width"], shown["height"]) == (320, 180)
    assert shown["seconds"] == pytest.approx(12, abs=0.1)
    assert page.evaluate(PLAY_FROM, 7) > 7
    # The link itself opens the player of the browser.
    page.goto(url)
    page.wait_for_function("document.querySelector('video').videoWidth === 320")


@pytest.mark.parametrize("sound", ["MP3", "WAV"])
def test_speech_plays_from_any_sentence(emulator: ImsEmulator, page: Page, sound: str) -> None:
    (url,) = links(emulator, page, "SubmitAudioProduceJob", EditingConfig={"voice": "Siqi", "format": sound})
    (job,) = emulator.jobs()
    sentences = json.loads(job["result"]["AiResult"])
    shown = page.evaluate(LOAD, ["audio", url])
    assert shown["seconds"] == pytest.approx(sentences[-1]["to"], abs=0.15)
    assert page.evaluate(PLAY_FROM, sentences[1]["from"]) > sentences[1]["from"]


def test_images_are_drawn(emulator: ImsEmulator, page: Page) -> None:
    found = links(emulator, page, "SubmitAIImageJob")
    assert len(found) == 3
    for url in found:
        assert page.evaluate(LOAD, ["img", url])["width"] > 0
