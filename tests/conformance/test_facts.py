"""
The facts hold for the emulator.

`make live` checks the same facts on the real services: docs/howto/conformance.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from airflow_provider_ims.emulator import ImsEmulator
from conformance.facts import FACTS
from conformance.facts.fact import Outcome, Result, field_problems
from conformance.facts.jobs import extra_fields
from conformance.run import Run, run_emulated

RunOf = Callable[[str], Run]

#: Options of the emulator for behaviour that is not documented. Every fact must hold with any of them.
VARIANTS: dict[str, dict[str, Any]] = {
    "http": {},
    "https": {},
    "lists text jobs": {"list_text_jobs": True},
    "responds to unknown ids": {"unknown_job_is_error": False},
    "no status of running images": {"image_running_status": None},
}
#: Facts that cannot be tested while text jobs are not listed.
OF_LISTED_TEXT = {"listing.delay.text", "listing.marker.text"}


@pytest.fixture(scope="module")
def run_of(certificate: tuple[str, str]) -> RunOf:
    """Return a function that returns the run against a variant of the emulator."""

    @cache
    def run_of(variant: str) -> Run:
        tls = dict(zip(("tls_cert", "tls_key"), certificate, strict=True)) if variant == "https" else {}
        with ImsEmulator(clock="manual", **VARIANTS[variant], **tls) as emulator:
            return run_emulated(emulator, "cn-shanghai", ca=tls.get("tls_cert", ""))

    return run_of


@pytest.mark.parametrize("name", [fact.name for fact in FACTS])
@pytest.mark.parametrize("variant", ["http", "https"])
def test_a_fact_holds(variant: str, name: str, run_of: RunOf) -> None:
    result = run_of(variant).results[name]
    assert result.outcome is not Outcome.DIFFERS, result.text
    if name not in OF_LISTED_TEXT:
        assert result.outcome is not Outcome.NOT_TESTED, result.text


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_facts_hold_with_each_undocumented_behaviour(variant: str, run_of: RunOf) -> None:
    run = run_of(variant)
    assert differing(run) == set()
    assert set(run.named(Outcome.NOT_TESTED)) == (set() if variant == "lists text jobs" else OF_LISTED_TEXT)


def test_every_fact_has_a_unique_name_and_a_source_if_it_is_documented() -> None:
    assert len({fact.name for fact in FACTS}) == len(FACTS)
    for fact in FACTS:
        assert bool(fact.documented) == bool(fact.source) == fact.statement.endswith("."), fact.name
        assert fact.documented or fact.statement.endswith("?"), fact.name


def test_the_observations_of_undocumented_facts_depend_on_the_options_of_the_emulator(run_of: RunOf) -> None:
    def observed(variant: str, name: str) -> str:
        return run_of(variant).results[name].text

    assert observed("http", "listing.shows.text") == "not listed"
    assert observed("lists text jobs", "listing.shows.text") == "listed"
    assert observed("http", "states.running.image") == "processing"
    assert observed("no status of running images", "states.running.image") == "no Status"
    assert observed("http", "errors.unknown_job.GetSmartHandleJob").startswith("ResourceNotFound")
    assert observed("responds to unknown ids", "errors.unknown_job.GetSmartHandleJob").startswith("HTTP 200")


def test_each_job_is_submitted_once(run_of: RunOf) -> None:
    submits = [one for one in run_of("http").service.responses if one.ok and one.action.startswith("Submit")]
    markers = [one.parameters["UserData"] for one in submits if "emulator" in one.parameters["UserData"]]
    # The ClientToken of the batch prevents a second job.
    assert len(markers) == 5
    assert len(set(markers)) == 4
    assert len({one.body["JobId"] for one in submits if one.parameters["UserData"] in markers}) == 4


def differing(run: Run) -> set[str]:
    return set(run.named(Outcome.DIFFERS))


#: Action, kind of fault and its options -> facts that must differ.
DIFFERENCES: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("GetSmartHandleJob", "unknown_state", {"state": "Done"}, {"states.text", "states.speech"}),
    ("GetBatchMediaProducingJob", "unknown_state", {"state": "Done"}, {"states.batch"}),
    ("SubmitAudioProduceJob", "odd_shape", {"merge": {"State": "Queued"}}, {"submit.state.speech"}),
    ("SubmitTextGenerateJob", "odd_shape", {"drop": ["RequestId"]}, {"submit.fields.text"}),
    ("SubmitTextGenerateJob", "odd_shape", {"merge": {"RequestId": 1}}, {"submit.fields.text"}),
    (
        "GetSmartHandleJob",
        "odd_shape",
        {"merge": {"UserData": "{}", "JobResult": {"AiResult": '{"texts": []}', "Usage": "{}"}}},
        {"query.user_data.text", "text.result", "text.usage", "speech.result", "query.fields.speech"},
    ),
    ("GetSmartHandleJob", "odd_shape", {"drop": ["JobResult"]}, {"text.result", "query.fields.text"}),
    ("ListSmartJobs", "odd_shape", {"drop": ["SmartJobList"]}, {"listing.shows.speech"}),
    ("ListAIImageInfo", "odd_shape", {"merge": {"AIImageInfoList": "none"}}, {"listing.shows.image"}),
]


@pytest.mark.parametrize(("action", "kind", "options", "expected"), DIFFERENCES)
def test_a_difference_is_detected(action: str, kind: str, options: dict[str, Any], expected: set[str]) -> None:
    with ImsEmulator(clock="manual") as emulator:
        emulator.fault(action, kind, count=None, **options)
        assert expected <= differing(run_emulated(emulator, "cn-shanghai"))


def test_malformed_responses_do_not_end_the_run() -> None:
    malformed = {
        "GetSmartHandleJob": {"JobResult": [], "State": {}, "UserData": 1},
        "GetBatchMediaProducingJob": {"EditingBatchJob": "none"},
        "GetAIImageJobs": {"AIImageJobList": [1, None]},
        "ListSmartJobs": [1, "two"],
    }
    with ImsEmulator(clock="manual") as emulator:
        for action, body in malformed.items():
            emulator.fault(action, "odd_shape", count=None, body=body)
        run = run_emulated(emulator, "cn-shanghai")
    expected = {
        "query.user_data.text",
        "states.speech",
        "query.finds.batch",
        "query.finds.image",
        "responses.request_id",
    }
    assert expected <= differing(run)
    assert run.results["image.result"] == Result(Outcome.NOT_TESTED, "no query returned the job")


def test_an_account_without_a_subscription_has_no_differences() -> None:
    with ImsEmulator(clock="manual") as emulator:
        emulator.fault("SubmitTextGenerateJob", "not_subscribed", count=None)
        run = run_emulated(emulator, "cn-shanghai")
    assert differing(run) == set()
    refused = Result(Outcome.NOT_TESTED, "the submit request was rejected: OperationDenied (HTTP 403)")
    assert run.results["text.result"] == run.results["submit.fields.text"] == refused
    assert run.results["errors.missing_parameters.text"].outcome is Outcome.NOT_TESTED
    assert run.results["speech.result"].outcome is Outcome.AS_DOCUMENTED


def test_denied_queries_and_listings_are_not_differences() -> None:
    with ImsEmulator(clock="manual") as emulator:
        for action in ("GetBatchMediaProducingJob", "ListSmartJobs"):
            emulator.fault(action, "deny", count=None)
        run = run_emulated(emulator, "cn-shanghai")
        polls = [one for one in emulator.requests("GetBatchMediaProducingJob") if one["status"] == 403]
    assert differing(run) == set()
    denied = Result(Outcome.NOT_TESTED, "GetBatchMediaProducingJob failed: Forbidden.RAM (HTTP 403)")
    assert run.results["query.finds.batch"] == denied
    assert run.jobs["batch"].problem == denied.text
    # These are the query after the submission, the only poll, and the queries of two facts about other ids and regions.
    assert len(polls) == 4
    assert run.results["listing.shows.speech"].text == "ListSmartJobs failed: Forbidden.RAM (HTTP 403)"
    assert run.results["listing.shows.batch"].outcome is Outcome.AS_DOCUMENTED


def test_a_failed_job_leaves_its_results_untested() -> None:
    with ImsEmulator(clock="manual") as emulator:
        emulator.fault("SubmitBatchMediaProducingJob", "fail_job", count=None, code="BadMedia", message="No.")
        run = run_emulated(emulator, "cn-shanghai")
    assert differing(run) == set()
    assert run.results["states.batch"].text == "Init, then Processing, then Failed"
    assert run.results["batch.videos"] == Result(Outcome.NOT_TESTED, "the job ended as Failed: BadMedia No.")


def test_a_job_that_does_not_end_is_observed_until_its_time_limit() -> None:
    with ImsEmulator(clock="manual", durations={"SubmitAIImageJob": 3600}) as emulator:
        run = run_emulated(emulator, "cn-shanghai")
    assert run.results["states.image"] == Result(Outcome.NOT_TESTED, "the job did not end within 20 s")
    assert run.results["states.running.image"].text == "processing"
    assert differing(run) == set()


def test_reads_are_retried_after_transient_errors_and_submit_requests_are_not() -> None:
    with ImsEmulator(clock="manual") as emulator:
        emulator.fault("GetSmartHandleJob", "throttle", count=2)
        emulator.fault("ListSmartJobs", "non_json", count=2)
        run = run_emulated(emulator, "cn-shanghai")
        assert differing(run) == set()
        # Of the two text jobs, one is the earlier job that ``run_emulated`` submits before the run.
        emulator.reset()
        emulator.fault("SubmitTextGenerateJob", "cut_after", count=None)
        run = run_emulated(emulator, "cn-shanghai")
        assert len(emulator.jobs("SubmitTextGenerateJob")) == 2
    assert run.jobs["text"].problem.endswith("a job with this marker may exist")
    assert run.results["text.result"].outcome is Outcome.NOT_TESTED


def test_ai_images_are_skipped_in_regions_that_do_not_support_them() -> None:
    with ImsEmulator(clock="manual", region_id="cn-hangzhou") as emulator:
        run = run_emulated(emulator, "cn-hangzhou")
    assert run.jobs["image"].problem == "AI images are available only in cn-beijing and cn-shanghai"
    assert differing(run) == set()


def test_field_problems_reports_missing_fields_and_wrong_types() -> None:
    body = {"a": {"b": [{"c": 1}, {"c": "x", "d": True}]}, "e": None}
    fields = {"a.b[].c": str, "a.b[].d": int, "e": str, "f[].g": str, "a.b": list}
    assert field_problems(body, fields) == [
        "a.b[].c is int",
        "no a.b[].d",
        "a.b[].d is bool",
        "no e",
        "no f[].g",
    ]


def test_extra_fields_are_those_that_the_model_omitted() -> None:
    found = {"a": 1, "b": [{"c": 1, "d": 2}, {"c": 1, "d": 2}], "e": {"f": {}}}
    assert extra_fields(found, {"a": 1, "b": [{"c": 1}, {"c": 1}], "e": {}}) == ["b.d", "e.f"]
