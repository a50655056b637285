"""The emulator's page shows changes without a reload, and does not execute scripts in requests."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect
from support.browser import open_page, save_screenshot
from support.emulated import GOOD_REQUESTS, SignedClient

from airflow_provider_ims.emulator import ImsEmulator

pytestmark = pytest.mark.slow

TEXT = GOOD_REQUESTS["SubmitTextGenerateJob"]


@pytest.fixture
def emulator() -> Iterator[ImsEmulator]:
    with ImsEmulator(clock="manual") as emulator:
        yield emulator


@pytest.fixture
def page(emulator: ImsEmulator) -> Iterator[Page]:
    with open_page() as page:
        page.goto(emulator.url)
        expect(page.get_by_role("heading", name="IMS emulator")).to_be_visible()
        yield page


def rows(page: Page, section: str) -> Locator:
    return page.locator(f"#{section} tbody tr")


def test_changes_are_shown_without_a_reload(emulator: ImsEmulator, page: Page) -> None:
    page.evaluate("window.isFirst = true")
    expect(rows(page, "jobs")).to_have_count(0)
    send = SignedClient.of(emulator)
    _, body = send("SubmitTextGenerateJob", TEXT)
    expect(rows(page, "jobs").first).to_contain_text(body["JobId"])
    expect(rows(page, "requests")).to_have_count(1)
    emulator.advance(3600)
    expect(rows(page, "jobs").first).to_contain_text("Finished")
    emulator.fault("*", "throttle")
    expect(rows(page, "faults")).to_have_count(1)
    send("ListSmartJobs")
    expect(rows(page, "faults")).to_have_count(0)
    assert page.evaluate("window.isFirst")


def test_an_unchanged_table_is_not_replaced(emulator: ImsEmulator, page: Page) -> None:
    SignedClient.of(emulator)("SubmitTextGenerateJob", TEXT)
    expect(rows(page, "jobs")).to_have_count(1)
    page.evaluate("document.querySelector('#jobs').isFirst = true")
    emulator.fault("*", "throttle")
    expect(rows(page, "faults")).to_have_count(1)
    assert page.evaluate("document.querySelector('#jobs').isFirst")


def test_a_script_in_a_request_is_not_executed(emulator: ImsEmulator, page: Page) -> None:
    problems: list[str] = []
    page.on("dialog", lambda dialog: (problems.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda message: problems.append(message.text))
    attack = "</td><script>alert(1)</script><img src=x onerror=alert(2)>"
    SignedClient.of(emulator)("SubmitTextGenerateJob", {**TEXT, "UserData": json.dumps({"note": attack})})
    expect(rows(page, "requests").first).to_contain_text("<script>alert(1)</script>")
    page.reload()
    expect(rows(page, "requests").first).to_contain_text("<script>alert(1)</script>")
    assert page.locator("td img, td script").count() == 0
    # Nothing violates the Content-Security-Policy either.
    assert problems == []


def test_a_stopped_emulator_is_reported(emulator: ImsEmulator, page: Page) -> None:
    offline = page.get_by_text("The emulator is not responding.")
    expect(offline).to_be_hidden()
    emulator.stop()
    expect(offline).to_be_visible()
    emulator.start()
    expect(offline).to_be_hidden()


def test_a_browser_without_scripts_shows_changes(emulator: ImsEmulator) -> None:
    with open_page(java_script_enabled=False) as page:
        page.goto(emulator.url)
        expect(rows(page, "jobs")).to_have_count(0)
        SignedClient.of(emulator)("SubmitTextGenerateJob", TEXT)
        expect(rows(page, "jobs")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_sufficient_contrast(emulator: ImsEmulator, scheme: str) -> None:
    send = SignedClient.of(emulator)
    _, body = send("SubmitTextGenerateJob", TEXT)
    emulator.fail(body["JobId"])
    send("SubmitAudioProduceJob", GOOD_REQUESTS["SubmitAudioProduceJob"])
    emulator.advance(1)
    send("GetSmartHandleJob", {"JobId": "unknown"})
    with open_page(color_scheme=scheme) as page:
        page.goto(emulator.url)
        contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 20
    # The minimum of the Web Content Accessibility Guidelines, level AA.
    assert [text for text, contrast in contrasts if contrast < 4.5] == []


#: Returns the text of each element that contains text, and the contrast between its colour and the background.
CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const luminance = color => {
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
      .map(value => value / 255).map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.backgroundColor = "Canvas";
  const ground = luminance(getComputedStyle(probe).backgroundColor);
  return [...document.querySelectorAll("h1, h2, dt, dd, th, td, p")].filter(one => one.innerText.trim()).map(one => {
    const [low, high] = [ground, luminance(getComputedStyle(one).color)].sort((a, b) => a - b);
    return [one.innerText, (high + 0.05) / (low + 0.05)];
  });
}"""


def test_the_page_in_the_screenshot_of_the_documentation_fits_the_window(emulator: ImsEmulator) -> None:
    send = SignedClient.of(emulator)
    for action in GOOD_REQUESTS:
        send(action, GOOD_REQUESTS[action])
    (text, audio, _, images) = (job["job_id"] for job in emulator.jobs())
    emulator.finish(text)
    emulator.finish(audio)
    emulator.fail(images, code="InvalidTemplate.NotFound")
    emulator.advance(1.5)
    emulator.fault("ListSmartJobs", "throttle", count=3)
    for _ in range(2):
        send("ListSmartJobs", {"MaxResults": "10"})
    send("GetSmartHandleJob", {"JobId": text})
    emulator.put_messages("ice-callback-demo", ["one", "two"])
    with open_page(viewport={"width": 1280, "height": 720}) as page:
        page.goto(emulator.url)
        expect(rows(page, "jobs")).to_have_count(4)
        expect(rows(page, "requests")).to_have_count(7)
        expect(rows(page, "faults")).to_have_count(1)
        expect(rows(page, "queues")).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        save_screenshot(page, "emulator")
