"""Airflow's pages: the connection form, the Test button, the graph, the task page and its links."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Locator, Page, expect
from support.browser import open_page, save_screenshot
from support.system import connections_of
from support.waiting import CEILING

from airflow_provider_ims.emulator import EmulatorControl
from local_airflow import EmulatorService, LocalAirflow, wait_until
from local_airflow.demo import DAG_ID

pytestmark = pytest.mark.slow

KEY_ID, SECRET = "LTAI-ims-emulator", "ims-emulator-secret"
TESTED = re.compile("Test Connection (Successful|Failed)")


class Console(BaseHTTPRequestHandler):
    """A fake console of the product."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<h1>Console</h1><p>{self.path}</p>".encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def console() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Console) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def emulator(emulator_service: EmulatorService) -> Iterator[EmulatorControl]:
    yield emulator_service.control
    emulator_service.control.reset()


@pytest.fixture(scope="module")
def airflow(example_airflow: LocalAirflow) -> LocalAirflow:
    """Return the Airflow without the connection that these tests create."""
    for connection_id in connections_of(example_airflow, "ims_default"):
        example_airflow.api.call("DELETE", f"connections/{connection_id}")
    return example_airflow


@pytest.fixture(scope="module")
def page(airflow: LocalAirflow) -> Iterator[Page]:
    with open_page() as page:
        page.goto(f"{airflow.url}/auth/token/login")
        yield page


def choose(form: Locator, field: str, value: str) -> None:
    """Choose a value from a drop-down list of Airflow, which is a text field next to a hidden input."""
    form.locator(f"[name=element_{field}]").locator("xpath=..").get_by_role("combobox").fill(value)
    form.page.get_by_role("option", name=value, exact=True).click()


def fill_in(page: Page, endpoint: str, console: str) -> None:
    page.get_by_role("button", name="Add Connection").click()
    form = page.get_by_role("dialog")
    form.locator("[name=connection_id]").fill("ims_default")
    form.get_by_role("combobox").first.fill("Alibaba")
    page.get_by_role("option", name="Alibaba Cloud IMS").click()
    expect(form).to_contain_text("AccessKey ID")
    expect(form).to_contain_text("AccessKey secret")
    expect(form.locator("[name=host], [name=schema]")).to_have_count(0)
    form.locator("[name=login]").fill(KEY_ID)
    form.locator("[name=password]").fill(SECRET)
    expect(form.locator("[name=password]")).to_have_attribute("type", "password")
    form.locator("[name=port]").fill("0")
    form.get_by_role("button", name="Extra Fields", exact=True).click()
    form.locator("[name=element_region_id]").fill("cn-shanghai")
    for label in ("Region", "Credential type", "IMS endpoint", "Role ARN", "Console link"):
        expect(form.get_by_text(label, exact=True)).to_be_visible()
    choose(form, "credential_type", "access_key")
    form.locator("[name=element_region_id]").scroll_into_view_if_needed()
    save_screenshot(page, "connection-form")
    form.locator("[name=element_ims_endpoint]").fill(endpoint)
    form.locator("[name=element_vod_endpoint]").fill(endpoint)
    choose(form, "protocol", "http")
    form.locator("[name=element_console_url]").fill(console + "/jobs/{job_id}?region={region_id}")
    form.get_by_role("button", name="Save").click()
    expect(form).to_have_count(0)


@pytest.fixture(scope="module")
def connected(page: Page, airflow: LocalAirflow, emulator: EmulatorControl, console: str) -> str:
    """Create the connection with the form; return the emulator's endpoint."""
    endpoint = emulator.url.partition("://")[2]
    page.goto(f"{airflow.url}/connections")
    fill_in(page, endpoint, console)
    return endpoint


def press_test(page: Page, airflow: LocalAirflow) -> Locator:
    """Press the Test button and return its message."""
    page.goto(f"{airflow.url}/connections")
    page.get_by_role("row").filter(has_text="ims_default").get_by_role("button", name="Test Connection").click()
    return page.get_by_role("status").filter(has_text=TESTED)


def test_the_test_button_confirms_a_working_connection(page: Page, airflow: LocalAirflow, connected: str) -> None:
    message = press_test(page, airflow)
    expect(message).to_contain_text("Test Connection Successful")
    expect(message).to_contain_text(connected)
    save_screenshot(page, "test-good")


def test_the_test_button_shows_the_error(page: Page, airflow: LocalAirflow, connected: str) -> None:
    connection = airflow.api.call("GET", "connections/ims_default")
    given = {"connection_id": "ims_default", "conn_type": connection["conn_type"]}

    def set_secret(secret: str) -> None:
        airflow.api.call(
            "PATCH",
            "connections/ims_default",
            params={"update_mask": "password"},
            json={**given, "password": secret},
        )

    set_secret("not-the-secret")
    try:
        message = press_test(page, airflow)
        expect(message).to_contain_text("Test Connection Failed")
        expect(message).to_contain_text("the AccessKey secret is wrong")
        expect(message).not_to_contain_text("not-the-secret")
        save_screenshot(page, "test-bad")
    finally:
        set_secret(SECRET)


def test_a_task_of_the_pipeline_links_to_the_console_and_the_output(
    page: Page, airflow: LocalAirflow, emulator: EmulatorControl, connected: str
) -> None:
    page.goto(f"{airflow.url}/dags/{DAG_ID}")
    airflow.api.unpause(DAG_ID)
    earlier = set(airflow.api.runs(DAG_ID))

    def triggered() -> set[str]:
        return set(airflow.api.runs(DAG_ID)) - earlier

    page.get_by_role("button", name="Trigger Dag").click()
    page.get_by_role("dialog").get_by_role("button", name="Trigger").last.click()
    wait_until("run", lambda: bool(triggered()), CEILING)
    (run_id,) = triggered()

    def advance_clock(_: object) -> None:
        emulator.advance(3600)

    assert airflow.api.wait(DAG_ID, run_id, timeout=CEILING, on_progress=advance_clock) == "success"

    page.goto(f"{airflow.url}/dags/{DAG_ID}/runs/{run_id}")
    page.get_by_role("button", name=re.compile("Show Graph")).click()
    for task in airflow.api.task_instances(DAG_ID, run_id):
        expect(page.get_by_text(task.task_id).first).to_be_visible()
    save_screenshot(page, "graph")

    (job,) = emulator.jobs("SubmitAudioProduceJob")
    page.goto(f"{airflow.url}/dags/{DAG_ID}/runs/{run_id}/tasks/voice_over/details")
    to_console = page.get_by_role("link", name="Alibaba Cloud console")
    expect(to_console).to_have_attribute("href", re.compile(job["job_id"]))
    to_output = page.get_by_role("link", name="Output")
    expect(to_output).to_have_attribute("href", re.compile(r"^http.*aliyuncs\.com/.*mp3$"))
    expect(page.get_by_text("Success").first).to_be_visible()
    save_screenshot(page, "task")

    with page.context.expect_page() as opened:
        to_console.click()
    expect(opened.value.get_by_text(f"/jobs/{job['job_id']}?region=cn-shanghai")).to_be_visible()
