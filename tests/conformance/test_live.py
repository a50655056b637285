"""The command behind `make live`, with an emulator as the service."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from conformance.__main__ import plan_text
from conformance.jobs import JOBS, Inputs
from local_airflow import wait_until

ROOT = Path(__file__).parents[2]
KEY_ID, SECRET = "LTAI5tConformanceTest001", "a-secret-that-nobody-may-see"
BUCKET, MEDIA, VIDEO, TEMPLATE = "acme-private-bucket", "acme-media", "acme-video", "acme-template"
OBJECTS = ("--bucket", BUCKET, "--media-id", MEDIA, "--video-id", VIDEO, "--template-id", TEMPLATE)
FAST = ("--interval", "0.05", "--listing-timeout", "1", "--job-timeout", "30")

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def running_emulator() -> Iterator[ImsEmulator]:
    with ImsEmulator(access_keys={KEY_ID: SECRET}, durations=dict.fromkeys(JOB_KINDS, 0.2)) as emulator:
        yield emulator


@pytest.fixture
def emulator(running_emulator: ImsEmulator) -> ImsEmulator:
    running_emulator.reset()
    running_emulator.clear_faults()
    return running_emulator


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def start(tmp_path: Path, emulator: ImsEmulator, out: Path) -> Iterator[Start]:
    """Yield a function that starts the command with a separate home directory and environment."""
    processes: list[subprocess.Popen[str]] = []

    def start(*options: str, key_id: str = KEY_ID, secret: str = SECRET, url: str = "") -> subprocess.Popen[str]:
        env = {**os.environ, "HOME": str(tmp_path)}
        if key_id:
            env |= {"ALIBABA_CLOUD_ACCESS_KEY_ID": key_id, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": secret}
        command = [sys.executable, "-m", "conformance", "--endpoint", url or emulator.url, "--out", str(out), *FAST]
        process = subprocess.Popen(
            [*command, *options], cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    stdout, stderr = process.communicate(timeout=CEILING)
    return process.returncode, stdout, stderr


class TestPlan:
    INPUTS = Inputs(region_id="cn-shanghai", bucket="b", media_id="m", video_id="v", template_id="t")

    def test_the_plan_states_how_many_jobs_are_submitted_and_billed(self) -> None:
        lines = plan_text(self.INPUTS, JOBS).splitlines()
        assert lines[0] == "This run submits 4 jobs in cn-shanghai, billed to the account:"
        for plan, line in zip(JOBS, lines[1:], strict=False):
            assert line == f"  {plan.name}: {plan.action}, {plan.cost}"
        assert "sent twice with the same ClientToken" in lines[5]

    def test_the_plan_states_why_a_job_is_skipped(self) -> None:
        text = plan_text(Inputs(region_id="cn-hangzhou", bucket="b", video_id="v", template_id="t"), JOBS)
        assert "submits 2 jobs" in text
        assert "  batch: skipped: --media-id not given" in text
        assert "  image: skipped: AI images are available only in cn-beijing and cn-shanghai" in text
        assert "twice" not in text

    def test_the_plan_states_that_nothing_is_submitted(self) -> None:
        assert plan_text(self.INPUTS, ()).startswith("This run submits no jobs in cn-shanghai.\n")

    def test_the_how_to_page_contains_the_plan(self) -> None:
        page = (ROOT / "docs" / "howto" / "conformance.md").read_text(encoding="utf-8")
        assert plan_text(Inputs(region_id="cn-shanghai", bucket="b", media_id="m"), JOBS) in page


@pytest.mark.slow
def test_without_credentials_the_error_lists_what_is_required(start: Start, emulator: ImsEmulator) -> None:
    code, stdout, stderr = ended(start(*OBJECTS, "--yes", key_id=""))
    assert code == 2
    assert "submits 4 jobs" in stdout
    for needed in ("ALIBABA_CLOUD_ACCESS_KEY_ID", "~/.aliyun/config.json", "docs/permissions.md", "--help"):
        assert needed in stderr
    assert emulator.requests() == []


@pytest.mark.slow
def test_a_source_without_credentials_prints_no_traceback(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALIBABA_CLOUD_CREDENTIALS_URI", "http://127.0.0.1:1/credentials")
    code, stdout, stderr = ended(start(*OBJECTS, key_id=""))
    assert code == 2
    assert "Traceback" not in stdout + stderr
    assert stderr.strip().startswith("No credentials were found.")


@pytest.mark.slow
def test_without_yes_the_command_prints_the_plan_and_sends_nothing(
    start: Start, emulator: ImsEmulator, out: Path
) -> None:
    code, stdout, stderr = ended(start(*OBJECTS))
    assert (code, stderr.strip()) == (2, "Nothing was sent. To submit and pay for these jobs, add --yes.")
    assert "submits 4 jobs" in stdout
    assert emulator.requests() == []
    assert not out.exists()


@pytest.mark.slow
def test_with_yes_the_command_submits_each_job_once_and_writes_the_report(
    start: Start, emulator: ImsEmulator, out: Path
) -> None:
    code, stdout, stderr = ended(start(*OBJECTS, "--yes"))
    assert (code, stderr) == (0, ""), stdout
    jobs = emulator.jobs()
    assert sorted(job["kind"] for job in jobs) == sorted(plan.action for plan in JOBS)
    listed = (out / "jobs.txt").read_text()
    report = (out / "report.md").read_text()
    for job in jobs:
        marker = next(iter(json.loads(job["parameters"]["UserData"]).values()))
        marker = next(iter(marker.values())) if isinstance(marker, dict) else marker
        assert f"job id {job['job_id']}, UserData contains {marker}" in listed
        assert f"job id {job['job_id']}, UserData contains {marker}" in stdout
        assert f"`{marker}`" in report
    assert "0 differs" in report
    files = [path for path in out.rglob("*") if path.is_file() and path.name != "jobs.txt"]
    assert len(files) > 20
    secrets = (KEY_ID, SECRET, BUCKET, MEDIA, VIDEO, TEMPLATE, emulator.endpoint, "127.0.0.1", "1974526429000000")
    ids = [identifier for job in jobs for identifier in (job["job_id"], json.dumps(job["result"])[1:-1]) if identifier]
    for path in files:
        content = path.read_text()
        assert [secret for secret in (*secrets, *ids) if secret in content] == [], path


@pytest.mark.slow
def test_the_command_runs_over_https(start: Start, certificate: tuple[str, str], out: Path, tmp_path: Path) -> None:
    cert, key = certificate
    with ImsEmulator(access_keys={KEY_ID: SECRET}, tls_cert=cert, tls_key=key) as emulator:
        code, stdout, _ = ended(start("--no-jobs", "--ca", cert, url=emulator.url))
        assert code == 0, stdout
        assert emulator.jobs() == []
    assert "The run submitted no jobs." in (out / "report.md").read_text()


@pytest.mark.slow
def test_a_difference_is_reported_with_exit_code_1(start: Start, emulator: ImsEmulator, out: Path) -> None:
    emulator.fault("SubmitTextGenerateJob", "odd_shape", count=None, drop=["RequestId"])
    code, stdout, _ = ended(start("--yes"))
    assert code == 1
    assert "differs: submit.fields.text: no RequestId" in stdout
    assert "| `submit.fields.text` | RequestId, JobId (" in (out / "report.md").read_text()


@pytest.mark.slow
def test_an_interrupted_run_writes_the_report_and_lists_the_jobs(
    start: Start, emulator: ImsEmulator, out: Path
) -> None:
    emulator.fault("GetAIImageJobs", "hang", count=None, seconds=None)
    process = start(*OBJECTS, "--yes")
    assert process.stdout is not None
    for line in process.stdout:
        if "image: submitted job" in line:
            break
    process.send_signal(signal.SIGINT)
    code, stdout, stderr = ended(process)
    assert code == 130, stderr
    report = (out / "report.md").read_text()
    assert "**The run was interrupted.**" in report
    assert "not tested: the run was interrupted" in report
    assert "as documented: JobId, MediaId, RequestId, State |" in report
    ids = {job["job_id"] for job in emulator.jobs()}
    assert len(ids) == 4
    assert all(one in stdout and one in (out / "jobs.txt").read_text() for one in ids)


@pytest.mark.slow
def test_an_interrupted_submit_request_is_reported_with_its_marker(
    start: Start, emulator: ImsEmulator, out: Path
) -> None:
    emulator.fault("SubmitTextGenerateJob", "hang_after", count=None, seconds=None)
    process = start("--yes")
    wait_until("the submit request", lambda: bool(emulator.jobs("SubmitTextGenerateJob")), CEILING)
    process.send_signal(signal.SIGINT)
    code, stdout, stderr = ended(process)
    assert code == 130, stderr
    (job,) = emulator.jobs()
    (marker,) = json.loads(job["parameters"]["UserData"]).values()
    assert f"text: job id unknown, UserData contains {marker}" in stdout
    assert f"| text | `SubmitTextGenerateJob` | `{marker}` | no job id |" in (out / "report.md").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"secret": "wrong"}, "The service rejected the credentials: SignatureDoesNotMatch"),
        ({"key_id": "LTAIunknown"}, "The service rejected the credentials: InvalidAccessKeyId.NotFound"),
        ({"url": "http://127.0.0.1:9"}, "IMS cannot be reached: "),
    ],
)
def test_the_run_does_not_start_if_no_request_can_succeed(
    options: dict[str, str], message: str, start: Start, emulator: ImsEmulator
) -> None:
    code, _, stderr = ended(start(*OBJECTS, "--yes", **options))
    assert code == 2
    assert message in stderr
    assert "Nothing was submitted." in stderr
    assert emulator.jobs() == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_live_passes_the_options_to_the_command() -> None:
    command = ["make", "--no-print-directory", "--dry-run", "live", "LIVE=--bucket b --yes"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=CEILING)
    assert run.stdout.splitlines()[-1] == ".venv/bin/python -m conformance --bucket b --yes"
