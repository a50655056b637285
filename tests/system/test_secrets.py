"""No secret appears in anything that Airflow stores or sends, even at debug level."""

from __future__ import annotations

import base64
import json
import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from html import unescape
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator, StsCredential
from local_airflow import LocalAirflow, wait_until
from local_airflow.service import free_port

pytestmark = pytest.mark.slow

DAGS = Path(__file__).parent / "secret_dags"
CONTROL = "control-canary-6e1f"
# With characters that are encoded in URLs, headers or JSON.
CANARIES = {
    "AccessKey secret": "canary/key+secret=71c0",
    "wrong secret": "canary/wrong+secret=82d1",
    "secret of a temporary key": "canary/sts+secret=93e2",
    "security token": "canary/security+token=a4f3",
    "bearer token": "canary/bearer+token=b504",
    "password of the proxy": "canary-proxy-password-c615",
    "stored secret": "canary/stored+secret=d726",
    "signature of a URL": "canary-signature-e837",
}
KEY_ID = "LTAI-canary"
METRICS = (
    b"ims.job.submitted",
    b"ims.job.finished",
    b"ims.job.failed",
    b"ims.job.tokens",
    b"ims.job.waited",
    b"ims.poller.waiting",
)
# The service may identify a file by its signed URL.
FILE = "http://b.oss-cn-shanghai.aliyuncs.com/unreadable.mp4"
STS = StsCredential("STS.canary", CANARIES["secret of a temporary key"], CANARIES["security token"])


class StatsD:
    """A StatsD server that records the received messages."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.received: list[bytes] = []
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self) -> None:
        while message := self.socket.recv(65536):
            self.received.append(message)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self.socket.close()


@pytest.fixture(scope="module")
def statsd() -> Iterator[StatsD]:
    with closing(StatsD()) as statsd:
        yield statsd


@pytest.fixture(scope="module")
def emulator() -> Iterator[ImsEmulator]:
    keys = {KEY_ID: CANARIES["AccessKey secret"]}
    # The job of the DAG "waiting" ends only when the test ends it.
    with ImsEmulator(
        durations={"SubmitASRJob": 36000}, access_keys=keys, sts_tokens=[STS], bearer_tokens=[CANARIES["bearer token"]]
    ) as emulator:
        yield emulator


def connection(emulator: ImsEmulator, login: str = "", password: str = "", **extra: str) -> str:
    place = {"region_id": "cn-shanghai", "protocol": "http"}
    place |= dict.fromkeys(("ims_endpoint", "vod_endpoint", "oss_endpoint", "smq_endpoint"), emulator.endpoint)
    return json.dumps(
        {"conn_type": "alibabacloud_ims", "login": login, "password": password, "extra": {**place, **extra}}
    )


@pytest.fixture(scope="module")
def airflow(emulator: ImsEmulator, statsd: StatsD, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    proxy = f"http://someone:{CANARIES['password of the proxy']}@127.0.0.1:{free_port()}"
    env = {
        "AIRFLOW_CONN_IMS_DEFAULT": connection(emulator, KEY_ID, CANARIES["AccessKey secret"]),
        "AIRFLOW_CONN_CANARY_WRONG": connection(emulator, KEY_ID, CANARIES["wrong secret"]),
        "AIRFLOW_CONN_CANARY_STS": connection(
            emulator, STS.access_key_id, STS.access_key_secret, security_token=STS.security_token
        ),
        "AIRFLOW_CONN_CANARY_BEARER": connection(emulator, bearer_token=CANARIES["bearer token"]),
        "AIRFLOW_CONN_CANARY_PROXY": connection(
            emulator, KEY_ID, CANARIES["AccessKey secret"], https_proxy=proxy, protocol="https"
        ),
    }
    config = {
        "logging": {"logging_level": "DEBUG"},
        "metrics": {"statsd_on": "True", "statsd_host": "127.0.0.1", "statsd_port": str(statsd.port)},
    }
    with LocalAirflow(tmp_path_factory.mktemp("airflow"), DAGS, env=env, config=config) as airflow:
        airflow.api.call(
            "POST",
            "connections",
            json={
                "connection_id": "stored",
                "conn_type": "alibabacloud_ims",
                "login": KEY_ID,
                "password": CANARIES["stored secret"],
                "extra": json.dumps({"security_token": CANARIES["stored secret"]}),
            },
        )
        yield airflow


def forms_of(secret: str) -> set[bytes]:
    """Return the encodings of a secret: plain, in a URL, in JSON, and as part of base64."""
    forms = {secret, quote(secret), quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + secret.encode()).decode()
        # The first and the last characters are omitted, because they depend on the surrounding bytes.
        forms.add(encoded[4 if shift else 0 : -4])
    return {form.encode() for form in forms}


def stored(airflow: LocalAirflow) -> Iterator[tuple[str, bytes]]:
    """Yield everything that Airflow has stored: the rows of its database, and files."""
    with closing(sqlite3.connect(airflow.home / "airflow.db")) as database:
        tables = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in database.execute(f'SELECT * FROM "{table}"'):
                values = [value if isinstance(value, bytes) else str(value).encode() for value in row]
                yield f"table {table}", b"\n".join(values)
    for path in airflow.home.rglob("*"):
        if path.is_file() and not path.name.startswith("airflow.db"):
            yield f"file {path.relative_to(airflow.home)}", path.read_bytes()


def shown_to_users(airflow: LocalAirflow, runs: dict[str, str]) -> Iterator[tuple[str, bytes]]:
    """Yield the media pages of DAG runs and of their tasks, and the responses for the files to which they link."""
    with httpx.Client(base_url=airflow.url, trust_env=False, timeout=CEILING) as http:
        token = http.get("/auth/token").raise_for_status().json()["access_token"]
        urls = [f"/ims/media/dags/{dag_id}?run_id={quote(run_id, safe='')}" for dag_id, run_id in runs.items()]
        for url in urls:
            response = http.get(url, headers={"Authorization": f"Bearer {token}"})
            urls += {unescape(part) for part in response.text.split('"') if part.startswith("/ims/media/dags")} - {
                *urls
            }
            # The SDK of OSS adds the security token to a presigned URL, because the service requires it.
            address = re.sub(r"(?<=x-oss-security-token=)[^&]+", "omitted", response.headers.get("location", ""))
            headers = {**response.headers, "location": address}
            yield f"page {response.status_code} {url.partition('?')[0]}", f"{headers}\n{response.text}".encode()


def test_no_secret_is_in_anything_that_airflow_stores_or_sends(
    airflow: LocalAirflow, emulator: ImsEmulator, statsd: StatsD
) -> None:
    ends = dict.fromkeys(("waiting", "all_types", "sts", "bearer", "queue", "lost_response"), "success")
    ends |= dict.fromkeys(("wrong_secret", "proxy", "failing_job"), "failed")
    runs = {}

    def start(*dag_ids: str) -> None:
        for dag_id in dag_ids:
            airflow.api.unpause(dag_id)
            runs[dag_id] = airflow.api.trigger(dag_id)

    def end() -> None:
        for dag_id, run_id in runs.items():
            assert airflow.api.wait(dag_id, run_id, timeout=CEILING) == ends[dag_id], dag_id

    def wait_until_received(metric: bytes) -> None:
        wait_until(f"metric {metric!r}", lambda: any(metric in message for message in statsd.received), CEILING)

    start("waiting")
    triggers: list[tuple[str, bytes]] = []

    def trigger_is_stored() -> bool:
        triggers.extend(found for found in stored(airflow) if found[0] == "table trigger")
        return bool(triggers)

    wait_until("trigger", trigger_is_stored, CEILING)
    # The arguments are not encrypted; otherwise, the search could not find secrets in them.
    assert b"canary_sts" in triggers[0][1]

    start("all_types", "sts", "bearer", "queue", "wrong_secret", "proxy")
    # This metric is emitted only while a job is waiting.
    wait_until_received(b"ims.poller.waiting")
    (job,) = emulator.jobs("SubmitASRJob")
    emulator.finish(job["job_id"])
    end()
    signed = f"{FILE}?Expires=1&OSSAccessKeyId=x&Signature={CANARIES['signature of a URL']}"
    emulator.fault("SubmitTextGenerateJob", "fail_job", message=f"Cannot read {signed}")
    emulator.fault("SubmitAudioProduceJob", "cut_after")
    start("failing_job", "lost_response")
    end()
    for name in METRICS:
        wait_until_received(name)

    pages = list(shown_to_users(airflow, runs))
    # A file that redirects to a signed URL, and pages with the result of each task.
    assert {"page 200 /ims/media/dags/all_types/task", "page 302 /ims/media/dags/all_types/file"} <= {
        place for place, _ in pages
    }
    # The log of the API server is one of the files.
    everything = [*triggers, *pages, *stored(airflow), *(("metric", message) for message in statsd.received)]
    where = {place for place, content in everything if CONTROL.encode() in content}
    # The search finds the control string in the task's log, in its XCom and in the code of its DAG.
    assert {"table xcom", "table dag_code"} <= where
    assert any(place.startswith("file logs/dag_id=all_types") for place in where)
    assert any(b'"level":"debug"' in content for place, content in everything if "attempt=1.log" in place)

    # The log contains the URL of the file, without its signature.
    assert any(FILE.encode() in content for place, content in everything if "dag_id=failing_job" in place)

    forms = {name: forms_of(secret) for name, secret in CANARIES.items()}
    shown = {
        (name, place)
        for place, content in everything
        for name, written in forms.items()
        if any(form in content for form in written)
    }
    assert shown == set()
    assert sum(place == "table connection" for place, _ in everything) == 1
