"""The table of job kinds, compared with the product SDKs and with the provider's catalogue."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any

import pytest
from alibabacloud_ice20201109 import models as ice
from alibabacloud_vod20170321 import models as vod
from hypothesis import given, settings
from hypothesis import strategies as st
from support.emulated import SignedClient, add_jobs, open_jobs, queried, response_of, submitted
from support.submits import SUBMITS, encoded

from airflow_provider_ims._jobs.kinds import KINDS as CATALOGUE
from airflow_provider_ims._jobs.parameters import Parameter
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import JobKind, Listing, key_of
from airflow_provider_ims.emulator.api.parameters import ParameterRule, check_parameters
from airflow_provider_ims.emulator.api.table import JOB_KINDS

MODELS = {"ice": ice, "vod": vod}
TYPES = {"str": str, "int": int, "float": float, "bool": bool, "Dict[str, Any]": dict}

_NEEDED = "The documentation marks it as optional, but no job can run without it."
#: Differences between the rules of the emulator and those of the provider: (key, parameter) -> reason.
DIFFERENCES = {
    ("SubmitAIJob", "Types"): "The service accepts several types and creates a job for each; a task waits for one job.",
    ("SubmitASRJob", "InputFile"): _NEEDED,
    ("SubmitVideoTranslationJob", "InputConfig"): _NEEDED,
    ("SubmitVideoTranslationJob", "OutputConfig"): _NEEDED,
    ("SubmitAvatarVideoJob", "InputConfig"): _NEEDED,
    ("SubmitSegmentationJob", "InputConfig"): _NEEDED,
    ("SubmitHighlightExtractionJob", "InputConfig"): _NEEDED,
    ("SubmitBatchMediaProducingJob", "OutputConfig"): _NEEDED,
    ("SubmitScreenMediaHighlightsJob", "InputConfig"): _NEEDED,
    ("SubmitScreenMediaHighlightsJob", "OutputConfig"): _NEEDED,
    ("SubmitSportsHighlightsJob", "InputConfig"): _NEEDED,
    ("SubmitSportsHighlightsJob", "OutputConfig"): _NEEDED,
    ("SubmitVideoCognitionJob", "Input"): _NEEDED,
    ("SubmitTranscodeJob", "UserData"): "The documented example is plain text; the provider adds its marker to JSON.",
}
for _key, _name in (("UploadMediaByURL", "UploadURLs"), ("UploadStreamByURL", "StreamURL")):
    for _prefix in ("", "vod:"):
        DIFFERENCES[f"{_prefix}{_key}", _name] = "The provider does not check the format of URLs."

every_kind = pytest.mark.parametrize("kind", JOB_KINDS.values(), ids=JOB_KINDS)


def valid_request(kind: JobKind) -> dict[str, str]:
    return encoded(SUBMITS[kind.family.product.ram_code, kind.submit])


def emulated_rule(key: str, name: str, rule: ParameterRule) -> dict[str, Any]:
    """Return a rule of the emulator in the terms of the catalogue."""
    return {
        "required": rule.required,
        "max_bytes": rule.max_bytes,
        "is_json": rule.type in ("object", "array"),
        "is_number": rule.type == "integer",
        "is_flag": rule.type == "boolean",
        "rejects_other_words": rule.type == "text" and rejects(key, name, "no such word"),
    }


def rejects(key: str, name: str, value: str) -> bool:
    try:
        JOB_KINDS[key].parameters[name].validate(name, {name: value})
    except ApiError:
        return True
    return False


def catalogue_rule(parameter: Parameter) -> dict[str, Any]:
    names = ("required", "max_bytes", "is_json", "is_number", "is_flag")
    return {name: getattr(parameter, name) for name in names} | {"rejects_other_words": bool(parameter.choices)}


def test_the_table_and_the_catalogue_differ_only_in_the_listed_rules() -> None:
    emulated = {
        (key, name): emulated_rule(key, name, rule)
        for key, kind in JOB_KINDS.items()
        for name, rule in kind.parameters.items()
    }
    catalogue = {
        (key_of(kind.submit_action, kind.family.product.version), parameter.name): catalogue_rule(parameter)
        for kind in CATALOGUE
        for parameter in kind.parameters
    }
    assert set(emulated) == set(catalogue)
    assert {place for place, rule in emulated.items() if rule != catalogue[place]} == set(DIFFERENCES)


def test_the_documented_values_of_the_catalogue_are_accepted() -> None:
    for kind in CATALOGUE:
        for parameter in kind.parameters:
            for word in parameter.choices:
                assert not rejects(key_of(kind.submit_action, kind.family.product.version), parameter.name, word)


@cache
def fields(model: Any) -> dict[str, str]:
    """Return {API name: type} of a model, without an instance."""
    source = inspect.getsource(model)
    types = dict(re.findall(r"^        (\w+): (.+?) = None,$", source, re.MULTILINE))
    single = re.findall(r"result\['(\w+)'\] = self\.(\w+)", source)
    several = re.findall(r"result\['(\w+)'\] = \[\]\s+if self\.(\w+) is not None", source)
    return {name: types[attribute] for name, attribute in [*single, *several]}


def walk(module: ModuleType, model: Any, value: Any, path: str) -> None:
    """Check that a model has every field of a response, with its type."""
    assert isinstance(value, dict), path
    known = fields(model)
    for name, inner in value.items():
        place = f"{path}.{name}"
        assert name in known, place
        if match := re.fullmatch(r"(List\[)?main_models\.(\w+)\]?", known[name]):
            for item in inner if match[1] else [inner]:
                walk(module, getattr(module, match[2]), item, place)
        elif match := re.fullmatch(r"List\[(\w+)\]", known[name]):
            assert all(type(item) is TYPES[match[1]] for item in inner), place
        else:
            assert type(inner) is TYPES[known[name]], (place, known[name], inner)


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    with open_jobs() as jobs:
        yield jobs


@every_kind
@pytest.mark.parametrize("end", ["finish", "fail", None])
def test_the_model_of_the_sdk_has_every_field_with_its_type(jobs: Jobs, kind: JobKind, end: str | None) -> None:
    module, family = MODELS[kind.family.product.ram_code], kind.family
    user_data = '{"Extend":{"a":1}}'
    parameters = {**valid_request(kind), **({"UserData": user_data} if "UserData" in kind.parameters else {})}
    accepted = response_of(jobs, kind.key, parameters)
    walk(module, getattr(module, f"{kind.submit}ResponseBody"), {"RequestId": "R", **accepted}, kind.submit)
    job = jobs.store.jobs(kind.key)[0]
    if end:
        job = getattr(jobs, end)(job.job_id)
    response = queried(jobs, job)
    # The API documentation of smart jobs and batches contains these fields, but the models do not.
    response.get("SmartJobInfo", {}).pop("EditingConfig", None)
    response.get("SmartJobInfo", {}).get("InputConfig", {}).pop("JobParameters", None)
    response.get("EditingBatchJob", {}).pop("EditingConfig", None)
    walk(module, getattr(module, f"{family.query}ResponseBody"), response, family.query)
    if family.listing is not None and not family.listing.render and kind.listed:
        listed = response_of(jobs, family.listing.action, {})
        assert job.job_id in json.dumps(listed)
        walk(module, getattr(module, f"{family.listing.action}ResponseBody"), listed, family.listing.action)


@every_kind
def test_invalid_parameters_are_rejected_with_their_names(kind: JobKind) -> None:
    def rejected(name: str, parameters: dict[str, str]) -> str:
        with pytest.raises(ApiError, match=name) as caught:
            check_parameters(kind.parameters, parameters)
        return caught.value.code

    parameters = valid_request(kind)
    for name, rule in kind.parameters.items():
        if rule.required:
            others = {other: value for other, value in parameters.items() if other != name}
            assert rejected(name, others) == "MissingParameter"
        if rule.max_bytes is not None:
            too_long = "字" * (rule.max_bytes // 3 + 1)
            assert rejected(name, {**parameters, name: too_long}) == "InvalidParameter"
        if rule.check is not None or rule.type != "text":
            assert rejected(name, {**parameters, name: "no such thing"}) == "InvalidParameter"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["MediaURL", "Media", "Type", "Output", "Outputs", "Count", "MediaArray", "Name", "Input"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@pytest.mark.slow
@every_kind
@settings(max_examples=15)
@given(data=st.data())
def test_every_accepted_job_can_be_queried_until_its_end(kind: JobKind, data: st.DataObject) -> None:
    values = JSON.map(json.dumps) | st.text(max_size=5)
    changes = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(kind.parameters, values)))
    with open_jobs() as jobs:
        try:
            job = submitted(jobs, kind.key, {**valid_request(kind), **changes})
        except ApiError:
            return
        for seconds in (0, 2, 100):
            jobs.clock.advance(seconds)
            assert json.dumps(queried(jobs, job))


@every_kind
def test_durations_faults_and_control_commands_work_for_each_kind(kind: JobKind) -> None:
    with ImsEmulator(clock="manual", durations={kind.key: 5}) as emulator:
        first, second = add_jobs(emulator, kind, valid_request(kind), [10, 20])
        emulator.advance(9)
        done = emulator.finish(second)
        assert done["kind"] == kind.key
        assert done["result"] is not None
        assert emulator.fail(first)["error_code"] == "InternalError"
        assert [job["job_id"] for job in emulator.jobs(kind.key)] == [first, second]
        emulator.fault(kind.key, "fail_job", code="Broken")
        client, version = SignedClient.of(emulator), kind.family.product.version
        assert client(kind.submit, valid_request(kind), version=version)[0] == 200
        emulator.advance(4.9)
        (third,) = [job for job in emulator.jobs(kind.key) if job["job_id"] not in (first, second)]
        assert (third["ended"], third["error_code"]) == (None, None)
        emulator.advance(0.2)
        assert emulator.jobs(kind.key)[-1]["error_code"] == "Broken"
        assert emulator.faults() == []


def test_the_pages_of_a_listing_contain_every_job_once(jobs: Jobs) -> None:
    for kind in JOB_KINDS.values():
        listing = kind.family.listing
        if listing is None or not kind.listed:
            continue
        job_ids = [submitted(jobs, kind.key, valid_request(kind)).job_id for _ in range(5)]
        for order in ("", listing.orders[1] if listing.order else ""):
            listed = list(listed_ids(jobs, listing, order))
            assert sorted(set(listed) & set(job_ids)) == sorted(job_ids)
            assert len(set(listed)) == len(listed)


def listed_ids(jobs: Jobs, listing: Listing, order: str) -> Iterator[str]:
    """Yield the job ids of all pages of a listing."""
    token = ""
    while True:
        response = response_of(
            jobs, listing.action, {listing.page_size: "2", listing.order: order, listing.token: token}
        )
        items, token = at(response, listing.items), at(response, listing.token_at)
        yield from (item.get("JobId") or item.get("ParentJobId") or item["TaskId"] for item in items)
        if not token:
            return


def at(response: Any, path: str) -> Any:
    for step in path.split("."):
        response = response[step]
    return response


def test_a_status_of_several_phases_lists_the_jobs_of_all_these_phases(jobs: Jobs) -> None:
    def listed(state: str) -> list[str]:
        response = response_of(jobs, "ListPackageJobs", {"Status": state})
        return [job["JobId"] for job in response["PackageJobList"]["PackageJobs"]]

    job = submitted(jobs, "SubmitPackageJob", valid_request(JOB_KINDS["SubmitPackageJob"]))
    jobs.clock.advance(2)
    assert jobs.view(job).phase == 1
    assert listed("Init") == [job.job_id]
    assert listed("Success") == []
