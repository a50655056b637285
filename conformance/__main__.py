"""
``make live``: check the facts about IMS and VOD on the real services, and write a report.

With --yes, the run submits one job of each kind whose required options are given. Without --yes, the command prints
these jobs and exits, unless --no-jobs is given. The command uses the default credential chain of Alibaba Cloud's SDK.
Exit codes: 0 if no tested fact differs from the documentation, 1 if a fact differs, 2 if the run did not start, 130 if
it was interrupted.
"""

from __future__ import annotations

import argparse
import logging
import secrets
import shutil
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from airflow_provider_ims.emulator import ImsEmulator
from conformance.facts.fact import Outcome, Result
from conformance.jobs import JOBS, Inputs, JobPlan
from conformance.observation import Limits
from conformance.recording import own_content, record
from conformance.redaction import redactor_of
from conformance.report import Header, report
from conformance.run import Run, run_emulated
from conformance.service import Access, NoCredentialsError, Service, default_credentials
from local_airflow.interrupts import ENDED_BY_SIGNAL, interrupt_on_signals

NOT_STARTED = 2
CREDENTIALS = """\
No credentials were found. `make live` uses the default credential chain of Alibaba Cloud's SDK. Provide one of these:

- the environment variables ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, and for temporary
  credentials ALIBABA_CLOUD_SECURITY_TOKEN
- a profile in ~/.aliyun/config.json (`aliyun configure`) or in ~/.alibabacloud/credentials.ini
- a RAM role of the ECS instance on which the command runs

The identity needs the permissions of docs/permissions.md for the jobs that you submit. The options specify the bucket
and the media that the jobs use: see docs/howto/conformance.md and `python -m conformance --help`."""
#: The prefixes of the error codes for rejected credentials.
_REJECTED = ("InvalidAccessKeyId", "InvalidSecurityToken", "SignatureDoesNotMatch", "IncompleteSignature")


def main(argv: Sequence[str] | None = None) -> int:
    """
    Check the facts on the real services, and write the report.

    :param argv: Command-line arguments.
    :return: The exit code.
    """
    options = _parser().parse_args(argv)
    inputs = Inputs(
        region_id=options.region,
        bucket=options.bucket,
        media_id=options.media_id,
        video_id=options.video_id,
        template_id=options.template_id,
    )
    plans = () if options.no_jobs else JOBS
    billed = [plan for plan in plans if not plan.missing(inputs)]
    print(plan_text(inputs, plans))
    # The SDK logs a traceback for each source without credentials. The message of the error contains all sources.
    logging.getLogger("credentials").setLevel(logging.CRITICAL)
    try:
        access = Access(options.region, default_credentials(), options.endpoint, options.ca)
    except NoCredentialsError as error:
        return _not_started(f"{CREDENTIALS}\n\nThe chain reports: {error}")
    if billed and not options.yes:
        return _not_started("Nothing was sent. To submit and pay for these jobs, add --yes.")
    run_id = f"{datetime.now():%Y%m%d}-{secrets.token_hex(3)}"
    limits = Limits(options.interval, options.job_timeout, options.listing_timeout)
    service = Service(access)
    interrupt_on_signals()
    try:
        if problem := connection_problem(service):
            return _not_started(problem)
        return _run(Run(service, inputs, plans, run_id, limits, _progress), options.out)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return ENDED_BY_SIGNAL


def plan_text(inputs: Inputs, plans: Sequence[JobPlan]) -> str:
    """Return the jobs that a run submits, with their costs."""
    billed = [plan for plan in plans if not plan.missing(inputs)]
    skipped = [f"  {plan.name}: skipped: {plan.missing(inputs)}" for plan in plans if plan not in billed]
    count = f"{len(billed) or 'no'} {'job' if len(billed) == 1 else 'jobs'}"
    lines = [
        f"This run submits {count} in {inputs.region_id}{', billed to the account:' if billed else '.'}",
        *(f"  {plan.name}: {plan.action}, {plan.cost}" for plan in billed),
        *skipped,
    ]
    lines += [
        f"The submit request for the {plan.name} job is sent twice with the same ClientToken. According to the\n"
        "documentation, the second request creates no job. If it does create a job, that job is billed too."
        for plan in billed
        if plan.repeats
    ]
    return "\n".join([*lines, "All other requests are queries and listings, or requests that are invalid on purpose."])


def connection_problem(service: Service) -> str:
    """Return why all requests would fail: no connection or rejected credentials. Empty if there is no such problem."""
    response = service.read("ice", "ListSmartJobs", MaxResults=1)
    message = response.body.get("Message")
    if not response.status:
        return f"IMS cannot be reached: {message}. Check the network and --region. Nothing was submitted."
    if str(response.body.get("Code")).startswith(_REJECTED):
        return f"The service rejected the credentials: {response.error}: {message}. Nothing was submitted."
    return ""


def _run(run: Run, out: Path) -> int:
    started = datetime.now().astimezone()
    # Read the credentials before the run, because they can expire during the run.
    known = _known(run)
    out.mkdir(parents=True, exist_ok=True)
    print("Emulator: running ...", flush=True)
    with ImsEmulator(clock="manual", region_id=run.inputs.region_id) as emulator:
        emulated = run_emulated(emulator, run.inputs.region_id)
    if emulated.interrupted:
        raise KeyboardInterrupt
    print("Service: running. Ctrl-C ends the run and writes the report.", flush=True)
    access = run.service.access
    name = "the endpoint given with --endpoint" if access.endpoint else "Alibaba Cloud"
    try:
        run.execute()
    finally:
        # Write the job ids and the report even after an unexpected error, because the jobs are billed.
        _write(run, Header(name, access.region_id, started), emulated.results, known, out)
    _print_summary(run, out)
    if run.interrupted:
        return ENDED_BY_SIGNAL
    return 1 if run.named(Outcome.DIFFERS) else 0


def _write(run: Run, header: Header, emulated: Mapping[str, Result], known: Mapping[str, str], out: Path) -> None:
    job_ids = [one for job in run.jobs.values() for one in (job.job_id, job.repeated_id) if one]
    responses = run.service.responses
    contents = [content for one in responses for content in (own_content(one, job_ids), one.parameters)]
    redactor = redactor_of(known, contents)
    (out / "report.md").write_text(report(header, run, emulated, redactor), encoding="utf-8")
    (out / "jobs.txt").write_text(jobs_text(run), encoding="utf-8")
    shutil.rmtree(out / "responses", ignore_errors=True)
    record(out / "responses", responses, job_ids, redactor)


def jobs_text(run: Run) -> str:
    """Return the submitted jobs with their ids, for the owner of the account."""
    lines = []
    for job in run.jobs.values():
        if job.sent:
            lines.append(f"{job.plan.name}: job id {job.job_id or 'unknown'}, UserData contains {job.marker}\n")
        if job.repeated_id:
            lines.append(f"{job.plan.name}: second job id {job.repeated_id}\n")
    return "".join(lines) or "No job was submitted.\n"


def _known(run: Run) -> dict[str, str]:
    credential = run.service.access.credential.get_credential()
    inputs = run.inputs
    return {
        str(value): placeholder
        for value, placeholder in (
            (inputs.bucket, "example-bucket"),
            (inputs.media_id, "example-media"),
            (inputs.video_id, "example-video"),
            (inputs.template_id, "example-template"),
            (credential.get_access_key_id(), "example-access-key"),
            (credential.get_access_key_secret(), "example-secret"),
            (credential.get_security_token(), "example-token"),
            (urlsplit(run.service.access.endpoint).netloc, "example.com"),
        )
        if value
    }


def _print_summary(run: Run, out: Path) -> None:
    for name in run.named(Outcome.DIFFERS):
        print(f"differs: {name}: {run.results[name].text}")
    print("Jobs that were submitted:")
    print(jobs_text(run), end="")
    print(", ".join(f"{len(run.named(outcome))} {outcome}" for outcome in Outcome))
    print(
        f"Report: {out / 'report.md'}; recorded responses: {out / 'responses'}; job ids (private): {out / 'jobs.txt'}"
    )


def _progress(line: str) -> None:
    print(f"  {datetime.now():%H:%M:%S} {line}", flush=True)


def _not_started(reason: str) -> int:
    print(f"\n{reason}", file=sys.stderr)
    return NOT_STARTED


def _parser() -> argparse.ArgumentParser:
    description, _, details = (__doc__ or "").replace("``", "").strip().partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m conformance", description=description, epilog=details)
    parser.add_argument("--region", default="cn-shanghai", help="region of the jobs (default: %(default)s)")
    parser.add_argument(
        "--bucket", default="", help="OSS bucket in the region, for the outputs of the speech and batch jobs"
    )
    parser.add_argument(
        "--media-id", default="", help="id of a short video in the media library of IMS, for the batch job"
    )
    parser.add_argument("--video-id", default="", help="id of a short video in VOD, for the image job")
    parser.add_argument("--template-id", default="", help="id of an AI template of VOD, for the image job")
    parser.add_argument("--no-jobs", action="store_true", help="submit no jobs; the run is then free of charge")
    parser.add_argument("--yes", action="store_true", help="submit the jobs and pay for them")
    parser.add_argument("--out", type=Path, default=Path(".live"), help="report directory (default: %(default)s)")
    limits = Limits()
    for name, default, text in (
        ("--interval", limits.interval, "seconds between two polls"),
        ("--job-timeout", limits.job, "maximum time to wait for a job in seconds"),
        ("--listing-timeout", limits.listing, "maximum time in seconds until a listing contains a job"),
    ):
        parser.add_argument(name, type=float, default=default, metavar="S", help=f"{text} (default: %(default)g)")
    parser.add_argument("--endpoint", default="", metavar="URL", help="URL of another endpoint, such as an emulator")
    parser.add_argument("--ca", default="", metavar="FILE", help="CA bundle for the certificate of this endpoint")
    return parser


if __name__ == "__main__":
    sys.exit(main())
