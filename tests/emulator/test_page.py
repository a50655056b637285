from __future__ import annotations

import base64
import hashlib
import http.client
import json
import math
import re
import urllib.request
from collections.abc import Callable
from html.parser import HTMLParser
from typing import NamedTuple

import pytest
from mns.queue import Message
from support.emulated import GOOD_REQUESTS, SignedClient
from support.queues import sdk_queue
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator, StsCredential
from airflow_provider_ims.emulator.api.messages import shorten
from airflow_provider_ims.emulator.page.document import document
from airflow_provider_ims.emulator.page.view import MAX_ROWS, View, moment

BROWSER = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
LIST = "ListSmartJobs"
TEXT = GOOD_REQUESTS["SubmitTextGenerateJob"]
OUTPUT = {"MediaURL": 'oss://b/"><script>_{index}.mp4', "MaxDuration": 2}
ATTACK_KEY = "%22%3E%3Cscript%3E"
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


class Response(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


class Document(HTMLParser):
    """The elements of a page: all tags with their attributes, the texts by element, and the rows by section."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, str] = {}
        self.rows: dict[str, list[list[str]]] = {}
        self._section, self._open = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "a":
            self._open = tag
        if tag == "section":
            self._section = str(dict(attrs)["id"])
            self.rows[self._section] = []
        elif tag == "tr":
            self.rows[self._section].append([])
        elif tag == "td":
            self.rows[self._section][-1].append("")

    def handle_data(self, data: str) -> None:
        if self._open in ("script", "style"):
            self.inline[self._open] = self.inline.get(self._open, "") + data
        elif self._open in ("td", "dd"):
            # The properties are in a list instead of a table.
            rows = self.rows[self._section] or [[""]]
            self.rows[self._section] = rows
            rows[-1][-1] += data

    def handle_endtag(self, tag: str) -> None:
        if tag != "a":
            self._open = ""


def request(emulator: ImsEmulator, method: str = "GET", path: str = "/", **headers: str) -> Response:
    host, _, port = emulator.endpoint.partition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=CEILING)
    try:
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return Response(response.status, dict(response.getheaders()), response.read().decode())
    finally:
        connection.close()


@pytest.fixture
def page(emulator: ImsEmulator) -> Callable[[], Document]:
    """Return a function that requests and parses the page."""

    def page() -> Document:
        response = request(emulator, **BROWSER)
        assert response.status == 200
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        return Document(response.text)

    return page


def rows_of(document: Document, section: str) -> list[list[str]]:
    """Return the rows of a section without its header."""
    return [row for row in document.rows[section] if row]


def test_an_empty_emulator_has_no_rows(page: Callable[[], Document]) -> None:
    document = page()
    assert set(document.rows) == {"properties", "jobs", "queues", "requests", "faults"}
    for section in ("jobs", "queues", "requests", "faults"):
        assert rows_of(document, section) == []


def test_the_page_shows_the_region_and_the_clock(emulator: ImsEmulator, page: Callable[[], Document]) -> None:
    emulator.advance(3600)
    (properties,) = page().rows["properties"]
    assert "cn-shanghai" in properties[0]
    assert re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(manual\)", properties[0])


def test_the_page_shows_jobs_newest_first(
    emulator: ImsEmulator, submit: Callable[..., str], page: Callable[[], Document]
) -> None:
    text = submit("SubmitTextGenerateJob")
    audio = submit("SubmitAudioProduceJob")
    emulator.fail(text, code="BadWords")
    newest, oldest = rows_of(page(), "jobs")
    assert newest[:4] == [audio, "SubmitAudioProduceJob", "cn-shanghai", "Created"]
    assert oldest[:4] == [text, "SubmitTextGenerateJob", "cn-shanghai", "Failed"]
    assert newest[4] < newest[5]
    assert "BadWords" in oldest
    assert "BadWords" not in newest


def test_a_job_links_to_its_first_files(
    emulator: ImsEmulator, submit: Callable[..., str], page: Callable[[], Document]
) -> None:
    job_id = submit("SubmitBatchMediaProducingJob", OutputConfig=json.dumps({**OUTPUT, "Count": 5}))
    assert [tag for tag, _ in page().tags].count("a") == 0
    emulator.finish(job_id)
    document = page()
    links = [str(attributes["href"]) for tag, attributes in document.tags if tag == "a"]
    assert [link.partition("?")[0] for link in links] == [
        f"{emulator.url}/b.oss-cn-shanghai.aliyuncs.com/{ATTACK_KEY}_{number}.mp4" for number in range(3)
    ]
    assert rows_of(document, "jobs")[0][-1].endswith("_2.mp4 and 2 more")
    with urllib.request.urlopen(links[0], timeout=CEILING) as response:
        assert response.headers["content-type"] == "video/mp4"


def test_the_page_shows_requests_with_their_outcome(
    emulator: ImsEmulator, send: SignedClient, page: Callable[[], Document]
) -> None:
    emulator.fault(LIST, "throttle")
    emulator.fault("SubmitTextGenerateJob", "cut")
    send(LIST, {"MaxResults": "1"})
    with pytest.raises((http.client.HTTPException, OSError)):
        send("SubmitTextGenerateJob", TEXT)
    send("SubmitTextGenerateJob", TEXT)
    rows = [row[1:] for row in rows_of(page(), "requests")]
    assert rows[0][0] == "SubmitTextGenerateJob"
    assert "Type=MarketingCopy" in rows[0][3]
    assert [[text.strip() for text in row[1:3]] for row in rows] == [
        ["200", ""],
        ["no response", "cut"],
        ["400 Throttling.User", "throttle"],
    ]


def test_the_page_shows_the_numbers_of_messages_in_queues(emulator: ImsEmulator, page: Callable[[], Document]) -> None:
    emulator.put_messages("ice-callback-a", ["one", "two"])
    sdk_queue(emulator, "ice-callback-a").send_message(Message("three"))
    document = page()
    assert rows_of(document, "queues") == [["ice-callback-a", "cn-shanghai", "3", "0", "0"]]
    assert rows_of(document, "requests")[0][1:3] == ["smq:SendMessage", "201 "]
    assert ("td", {"class": "succeeded"}) in document.tags


def test_the_page_shows_the_active_faults(emulator: ImsEmulator, page: Callable[[], Document]) -> None:
    emulator.fault("*", "qps", rate=5)
    emulator.fault(LIST, "throttle", count=3, share=0.5, retry_after=7)
    rate, throttle = rows_of(page(), "faults")
    assert rate[:4] == ["*", "qps", "until cleared", "1"]
    assert "rate=5" in rate[4]
    assert throttle[:4] == [LIST, "throttle", "3", "0.5"]
    assert "code=Throttling.User retry_after=7" in throttle[4]


def test_values_are_escaped(
    emulator: ImsEmulator, send: SignedClient, submit: Callable[..., str], page: Callable[[], Document]
) -> None:
    job_id = submit("SubmitTextGenerateJob", UserData=json.dumps({"note": ATTACK}))
    emulator.fail(job_id, code=ATTACK)
    emulator.set_state(submit("SubmitTextGenerateJob"), ATTACK)
    emulator.fault(LIST, "error", code=ATTACK, message=ATTACK)
    emulator.fault(LIST, "odd_shape", body={ATTACK: ATTACK})
    send(LIST, {ATTACK: ATTACK})
    request(emulator, **{"x-acs-action": ATTACK, "x-acs-version": ATTACK})
    document = page()
    tags = [tag for tag, _ in document.tags]
    assert tags.count("script") == 1
    assert "img" not in tags
    assert not [name for _, attributes in document.tags for name in attributes if name.startswith("on")]
    shown = json.dumps(document.rows)
    assert shown.count(json.dumps("<script>alert(1)</script>")[1:-1]) >= 6


def test_only_the_inline_style_and_script_are_allowed(emulator: ImsEmulator) -> None:
    response = request(emulator, **BROWSER)
    document = Document(response.text)
    policy = dict(part.split(" ", 1) for part in response.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in str(policy)
    for name in ("script", "style"):
        digest = base64.b64encode(hashlib.sha256(document.inline[name].encode()).digest()).decode()
        assert policy[f"{name}-src"] == f"'sha256-{digest}'"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"


def test_the_page_loads_no_other_url(page: Callable[[], Document]) -> None:
    for _, attributes in page().tags:
        assert attributes.get("src") is None
        assert attributes.get("href") in (None, "data:,")
        assert "style" not in attributes


def test_a_browser_without_scripts_reloads_the_page(page: Callable[[], Document]) -> None:
    assert ("meta", {"http-equiv": "refresh", "content": "2"}) in page().tags


def test_the_page_contains_no_credentials() -> None:
    sts = StsCredential("STS.key", "sts-secret", "sts-token")
    secrets = ("key-secret", sts.access_key_secret, sts.security_token, "bearer-secret", "AuthSecret1")
    keys = {"LTAI-key": "key-secret"}
    with ImsEmulator(access_keys=keys, sts_tokens=[sts], bearer_tokens=["bearer-secret"]) as emulator:
        send = SignedClient.of(emulator)
        assert send(LIST)[0] == 200
        assert send(LIST, key_id="STS.key", secret="sts-secret", token="sts-token")[0] == 200
        assert send(LIST, {"SignatureType": "BEARERTOKEN"}, headers={"x-acs-bearer-token": "bearer-secret"})[0] == 200
        in_parameters = {"AccessKeyId": "LTAI-key", "SecurityToken": "sts-token", "Signature": "key-secret"}
        assert send(LIST, in_parameters)[0] == 200
        callback = {"CallbackURL": "http://127.0.0.1:9/", "AuthSwitch": "on", "AuthKey": "AuthSecret1"}
        assert send("SetEventCallback", callback)[0] == 200
        text = request(emulator, **BROWSER).text
        assert text.count("<td>ListSmartJobs</td>") == 4
    assert [secret for secret in secrets if secret in text] == []


def test_the_size_of_the_page_is_limited(
    emulator: ImsEmulator, send: SignedClient, page: Callable[[], Document]
) -> None:
    emulator.add_jobs("SubmitTextGenerateJob", {**TEXT, "UserData": json.dumps({"a": "x" * 500})}, [1] * 250)
    for number in range(MAX_ROWS + 5):
        send(LIST, {f"{'n' * 500}{index}": "v" * 500 for index in range(20)} | {"MaxResults": str(number)})
        emulator.fault("SubmitTextGenerateJob", "throttle", message="m" * 5000)
        emulator.put_messages(f"{'q' * 250}{number}", ["a message"])
    response = request(emulator, **BROWSER)
    document = Document(response.text)
    for section in ("jobs", "queues", "requests", "faults"):
        assert len(rows_of(document, section)) == MAX_ROWS
    assert len(response.text) < 400_000


def test_long_values_are_shortened() -> None:
    assert shorten("two\n words") == "two words"
    assert shorten("x" * 60) == "x" * 60
    assert shorten("x" * 10**6) == f"{'x' * 60}..."
    assert shorten("x" + " " * 1000 + "y") == "x..."


def test_a_time_after_the_year_9999_is_shown() -> None:
    for seconds in (1e12, 1e300, math.inf, math.nan):
        assert moment(seconds).text == "after the year 9999"


def test_a_lone_surrogate_is_replaced() -> None:
    assert b"<dd>?</dd>" in document(View({"name": "\ud800"}, []))


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("GET", f"/?Action={LIST}&Version=2020-11-09", {}),
        ("GET", "/?Signature=x&AccessKeyId=y", {}),
        ("GET", "/", {"x-acs-action": LIST, "x-acs-version": "2020-11-09"}),
        ("GET", "/", {"authorization": "ACS3-HMAC-SHA256 Credential=x"}),
        ("POST", "/", {}),
        ("GET", "/other", {}),
        ("GET", "/", {"accept": "application/json"}),
        ("GET", "/", {"accept": "*/*"}),
    ],
)
def test_an_api_request_reaches_the_api(emulator: ImsEmulator, method: str, path: str, headers: dict[str, str]) -> None:
    response = request(emulator, method, path, **(BROWSER | headers))
    assert response.status >= 400
    assert "IMS emulator" not in response.text
    assert len(emulator.requests()) == 1


def test_a_signed_request_that_accepts_html_reaches_the_api(send: SignedClient) -> None:
    for method in ("GET", "POST"):
        status, body = send(LIST, {"MaxResults": "1"}, method=method, headers=BROWSER)
        assert status == 200
        assert body["SmartJobList"] == []
    # Without parameters, the signed request has no query.
    assert send(LIST, method="GET", headers=BROWSER)[0] == 200


def test_the_page_is_not_recorded(emulator: ImsEmulator, page: Callable[[], Document]) -> None:
    page()
    assert request(emulator, "HEAD", **BROWSER).text == ""
    assert emulator.requests() == []


@pytest.mark.parametrize("host", ["[", "a b", ""])
def test_the_page_is_shown_for_an_invalid_host(emulator: ImsEmulator, host: str) -> None:
    response = request(emulator, **BROWSER, host=host)
    assert response.status == 200
    assert "IMS emulator" in response.text
