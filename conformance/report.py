"""The report, in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

import airflow_provider_ims
from conformance.facts import FACTS
from conformance.facts.fact import Fact, Outcome, Result
from conformance.jobs import JobRun
from conformance.redaction import Redactor
from conformance.run import Run

PACKAGES = ("alibabacloud-ice20201109", "alibabacloud-vod20170321", "alibabacloud-tea-openapi")
_ABOUT = """\
Each fact is a statement about the services. The tables of facts show the documented behaviour, the behaviour of the
emulator of airflow-provider-ims, and the observed behaviour of the services. Placeholders replace ids, keys, URLs and
names. Delays are upper limits, because the run detects a change only at its next poll.
"""


@dataclass(frozen=True)
class Header:
    """
    The run that the report describes.

    :param service: The service, such as ``Alibaba Cloud``.
    :param started: The local time of the start.
    """

    service: str
    region_id: str
    started: datetime


def report(header: Header, run: Run, emulated: Mapping[str, Result], redactor: Redactor) -> str:
    """Return the report on a run. ``emulated`` contains the results of the same run against the emulator."""
    counts = Counter(result.outcome for result in run.results.values())
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    lines = [
        "# Conformance of IMS and VOD",
        "",
        _ABOUT,
        f"- Service: {header.service}, region {header.region_id}, {header.started:%Y-%m-%d %H:%M %Z}",
        f"- Clients: {versions}; emulator of airflow-provider-ims {airflow_provider_ims.__version__}",
        f"- Facts: {', '.join(f'{counts[outcome]} {outcome}' for outcome in Outcome)}",
        *(["- **The run was interrupted.**"] if run.interrupted else []),
        "",
        "## Jobs",
        "",
        *_jobs(run.jobs.values(), redactor),
        "",
        "## Facts that differ from the documentation",
        "",
        *(_differences(run, redactor) or ["None."]),
    ]
    for group in dict.fromkeys(_group(fact) for fact in FACTS):
        facts = [fact for fact in FACTS if _group(fact) == group]
        lines += ["", f"## {group.capitalize()}", "", *_facts(facts, run.results, emulated, redactor)]
    return "\n".join(lines) + "\n"


def _group(fact: Fact) -> str:
    return fact.name.partition(".")[0]


def _jobs(jobs: Iterable[JobRun], redactor: Redactor) -> list[str]:
    rows = []
    for job in jobs:
        if not job.sent:
            state = "not submitted"
        elif job.job_id:
            state = redactor.text(", then ".join(one or "no state" for one in job.states)) or "submitted"
        else:
            state = "no job id"
        if job.repeated_id:
            state += "; the repeated submit request created a second job"
        note = redactor.text(job.problem) or "-"
        rows.append([job.plan.name, f"`{job.plan.action}`", f"`{job.marker}`" if job.sent else "-", state, note])
    if not rows:
        return ["The run submitted no jobs."]
    return [
        "The marker is in the UserData of the job.",
        "",
        *_table(["job", "action", "marker", "states", "note"], rows),
    ]


def _differences(run: Run, redactor: Redactor) -> list[str]:
    found = [fact for fact in FACTS if run.results[fact.name].outcome is Outcome.DIFFERS]
    rows = [[f"`{one.name}`", _documented(one), _cell(run.results[one.name], redactor)] for one in found]
    return _table(["fact", "documented", "observed"], rows) if rows else []


def _facts(
    facts: Sequence[Fact], observed: Mapping[str, Result], emulated: Mapping[str, Result], redactor: Redactor
) -> list[str]:
    rows = [
        [
            f"`{fact.name}`: {fact.statement}",
            _documented(fact),
            _cell(emulated[fact.name], redactor),
            _cell(observed[fact.name], redactor),
        ]
        for fact in facts
    ]
    return _table(["fact", "documented", "emulated", "observed"], rows)


def _documented(fact: Fact) -> str:
    return f"{fact.documented} ([source]({fact.source}))" if fact.documented else "undocumented"


def _cell(result: Result, redactor: Redactor) -> str:
    text = redactor.text(result.text)
    # For an undocumented fact, the column "documented" already contains the outcome.
    if result.outcome is Outcome.UNDOCUMENTED:
        return text
    outcome = f"**{result.outcome}**" if result.outcome is Outcome.DIFFERS else str(result.outcome)
    return f"{outcome}: {text}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [list(head), ["---"] * len(head), *rows]
    return [f"| {' | '.join(_escaped(cell) for cell in line)} |" for line in lines]


def _escaped(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
