"""The report is a Markdown page that can be published."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from markdown_it import MarkdownIt

from airflow_provider_ims.emulator import ImsEmulator
from conformance.facts import FACTS
from conformance.facts.fact import Outcome, Result
from conformance.jobs import JOBS, Inputs
from conformance.observation import Limits
from conformance.redaction import Redactor
from conformance.report import Header, report
from conformance.run import Run, run_emulated
from conformance.service import emulated

HEADER = Header("Alibaba Cloud", "cn-shanghai", datetime(2026, 11, 21, 8, 30, tzinfo=UTC))


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with ImsEmulator(clock="manual") as emulator:
        yield run_emulated(emulator, "cn-shanghai")


def lines_of(run: Run) -> list[str]:
    return report(HEADER, run, run.results, Redactor({"secret-name": "example"})).splitlines()


def test_each_fact_has_a_row_with_what_is_documented_emulated_and_observed(run: Run) -> None:
    lines = lines_of(run)
    for fact in FACTS:
        (row,) = (line for line in lines if line.startswith(f"| `{fact.name}`: "))
        assert row.count(" | ") == 3
        assert (fact.source in row) if fact.documented else " | undocumented | " in row
    row = next(line for line in lines if line.startswith("| `batch.videos`"))
    assert row.endswith("| as documented: sub-jobs: 1 | as documented: sub-jobs: 1 |")


def test_all_tables_are_valid_markdown(run: Run) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse("\n".join(lines_of(run)))
    rows = sum(token.type == "tr_open" for token in tokens)
    headings = sum(token.type == "heading_open" and token.tag == "h2" for token in tokens)
    # Each table has a header row. There is a row for each fact and for each job, and no table of differences.
    assert rows == len(FACTS) + len(JOBS) + headings - 1


def test_the_jobs_are_identified_by_their_markers(run: Run) -> None:
    text = "\n".join(lines_of(run))
    for job in run.jobs.values():
        assert f"| {job.plan.name} | `{job.plan.action}` | `{job.marker}` | {', then '.join(job.states)} | - |" in text
        assert job.job_id not in text


def test_differences_come_first_and_identifiers_are_replaced(run: Run) -> None:
    results = {**run.results, "batch.videos": Result(Outcome.DIFFERS, "no | video of secret-name")}
    lines = lines_of(replace(run, results=results))
    assert "| `batch.videos` | `Count` videos ([source](" in "".join(lines[: lines.index("## Errors")])
    assert sum("**differs**: no \\| video of example" in line for line in lines) == 2


def test_a_job_without_an_id_is_reported() -> None:
    with ImsEmulator(clock="manual") as emulator:
        emulator.fault("SubmitTextGenerateJob", "cut_after")
        service = emulated(emulator, "cn-shanghai")
        run = Run(service, Inputs(region_id="cn-shanghai"), JOBS, "1", Limits(0.5, 20, 5), lambda _: None)
        run.execute()
    text = "\n".join(lines_of(run))
    assert "`ims-conformance-1-text` | no job id | no response (" in text
    assert "| batch | `SubmitBatchMediaProducingJob` | - | not submitted | --bucket and --media-id not given |" in text
