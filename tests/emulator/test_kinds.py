"""The kinds that are served by their table: required parameters, odd ones, and the models of the product SDKs."""

from __future__ import annotations

import inspect
import json
import re

import pytest
from alibabacloud_ice20201109 import models as ice
from alibabacloud_vod20170321 import models as vod
from hypothesis import given, settings
from hypothesis import strategies as st
from support.submits import SUBMITS, encoded

from airflow_provider_ims.emulator import ImsEmulator, batch, smart
from airflow_provider_ims.emulator.clock import JobClock
from airflow_provider_ims.emulator.errors import ApiError
from airflow_provider_ims.emulator.families import ICE
from airflow_provider_ims.emulator.gateway import QUERIES
from airflow_provider_ims.emulator.gateway import SUBMITS as TAKEN
from airflow_provider_ims.emulator.jobs import Jobs
from airflow_provider_ims.emulator.kinds import KINDS
from airflow_provider_ims.emulator.rules import ALL_RULES, check_parameters
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.store import Store

pytestmark = pytest.mark.slow

#: key -> (model module, submit action, query action, its id parameter, its other parameters)
SERVED = {
    kind.key: (
        ice if kind.family.version == ICE else vod,
        kind.submit,
        kind.family.query,
        kind.family.asks,
        kind.family.also,
    )
    for kind in KINDS
}
SERVED |= {key: (ice, key, "GetSmartHandleJob", "JobId", {}) for key in smart.OTHERS}
SERVED |= {key: (ice, key, "GetBatchMediaProducingJob", "JobId", {}) for key in batch.ACTIONS}
TYPES = {"str": str, "int": int, "float": float, "bool": bool}

every_kind = pytest.mark.parametrize("key", SERVED)


def good(key):
    module, submit, *_ = SERVED[key]
    return encoded(SUBMITS["ice" if module is ice else "vod", submit])


def fields(model):
    """Return {name on the wire: type} of a model, without making one."""
    source = inspect.getsource(model)
    kinds = dict(re.findall(r"^        (\w+): (.+?) = None,$", source, re.MULTILINE))
    single = re.findall(r"result\['(\w+)'\] = self\.(\w+)", source)
    several = re.findall(r"result\['(\w+)'\] = \[\]\s+if self\.(\w+) is not None", source)
    return {name: kinds[attribute] for name, attribute in [*single, *several]}


def walk(module, model, value, place):
    """Check that a model knows every field of an answer, in its type."""
    assert isinstance(value, dict), place
    known = fields(model)
    for name, inner in value.items():
        path = f"{place}.{name}"
        assert name in known, path
        if match := re.fullmatch(r"(List\[)?main_models\.(\w+)\]?", known[name]):
            for item in inner if match[1] else [inner]:
                walk(module, getattr(module, match[2]), item, path)
        elif match := re.fullmatch(r"List\[(\w+)\]", known[name]):
            assert all(type(item) is TYPES[match[1]] for item in inner), path
        else:
            assert type(inner) is TYPES[known[name]], (path, known[name], inner)


def answered(jobs, key, job_id):
    _, _, query, asks, also = SERVED[key]
    return QUERIES[query](jobs, check_parameters(query, {asks: job_id, **also}))


@pytest.fixture
def jobs():
    store = Store()
    yield Jobs(store, JobClock("manual"), Settings())
    store.close()


@every_kind
@pytest.mark.parametrize("end", ["finish", "fail", None])
def test_the_sdks_model_knows_every_field_in_its_type(jobs, key, end):
    module, submit, query, *_ = SERVED[key]
    parameters = {**good(key), **({"UserData": '{"a":1}'} if "UserData" in ALL_RULES[key] else {})}
    content, job = TAKEN[key](jobs, check_parameters(key, parameters))
    walk(module, getattr(module, f"{submit}ResponseBody"), {"RequestId": "R", **content}, submit)
    if end:
        getattr(jobs, end)(job.job_id)
    answer = answered(jobs, key, job.job_id)
    # Shown on the pages of batch jobs and of smart jobs, unknown to the models.
    walk(module, getattr(module, f"{query}ResponseBody"), without(answer, "EditingConfig"), query)
    for other in (kind.family for kind in KINDS if kind.key == key and kind.family.listing):
        listing = other.listing.action
        listed = QUERIES[listing](jobs, check_parameters(listing, {}))
        assert job.job_id in json.dumps(listed)
        walk(module, getattr(module, f"{listing}ResponseBody"), listed, listing)


def without(answer, name):
    if "SmartJobInfo" in answer:
        return {**answer, "SmartJobInfo": {k: v for k, v in answer["SmartJobInfo"].items() if k != name}}
    return answer


@every_kind
def test_what_is_required_is_required_and_what_is_json_must_be_json(key):
    parameters = good(key)
    for name, rule in ALL_RULES[key].items():
        if rule.required:
            with pytest.raises(ApiError, match=name) as missing:
                check_parameters(key, {other: value for other, value in parameters.items() if other != name})
            assert missing.value.code == "MissingParameter"
        if rule.max_bytes is not None:
            with pytest.raises(ApiError, match=name) as long:
                check_parameters(key, {**parameters, name: "字" * (rule.max_bytes // 3 + 1)})
            assert long.value.code == "InvalidParameter"
        if rule.check is not None:
            with pytest.raises(ApiError, match=name):
                check_parameters(key, {**parameters, name: "no such thing"})


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


@every_kind
@settings(max_examples=15)
@given(data=st.data())
def test_whatever_is_accepted_can_be_answered_to_its_end(key, data):
    names = st.fixed_dictionaries(
        {}, optional=dict.fromkeys(ALL_RULES[key], JSON.map(json.dumps) | st.text(max_size=5))
    )
    try:
        parameters = check_parameters(key, {**good(key), **data.draw(names)})
    except ApiError:
        return
    store = Store()
    jobs = Jobs(store, JobClock("manual"), Settings())
    job = TAKEN[key](jobs, parameters)[1]
    for seconds in (0, 2, 100):
        jobs.clock.advance(seconds)
        assert json.dumps(answered(jobs, key, job.job_id))
    store.close()


@every_kind
def test_a_kind_takes_faults_durations_and_the_control_interface(key):
    with ImsEmulator(clock="manual", durations={key: 5}) as emulator:
        first, second = emulator.add_jobs(key, good(key), [10, 20])
        emulator.advance(10)
        done = emulator.finish(second)
        assert done["kind"] == key
        assert done["result"] is not None
        assert emulator.fail(first)["error_code"] == "InternalError"
        assert [job["job_id"] for job in emulator.jobs(key)] == [first, second]
        emulator.fault(key.removeprefix("vod:"), "fail_job")


def test_pages_of_a_listing_show_every_job_once(jobs):
    for kind in KINDS:
        if kind.family.listing is None:
            continue
        listing = kind.family.listing
        _, order, oldest_first, size, token, *_ = listing.parameters
        made = [TAKEN[kind.key](jobs, check_parameters(kind.key, good(kind.key)))[1].job_id for _ in range(5)]
        for sort in ({}, {order: oldest_first} if order else {}):
            seen, next_token = [], ""
            while True:
                asked = {size: "2", **sort, **({token: next_token} if next_token else {})}
                answer = QUERIES[listing.action](jobs, check_parameters(listing.action, asked))
                text = json.dumps(answer)
                seen += sorted((job_id for job_id in made if f'"{job_id}"' in text), key=text.index)
                place = answer
                for step in listing.token_at.split("."):
                    place = place[step]
                next_token = place
                if not next_token:
                    break
            assert sorted(seen) == sorted(made)


def test_a_word_that_stands_for_more_than_one_phase_lists_them_all(jobs):
    _, fresh = TAKEN["SubmitPackageJob"](jobs, check_parameters("SubmitPackageJob", good("SubmitPackageJob")))
    jobs.clock.advance(2)
    assert jobs.phase(fresh) == 1
    listed = QUERIES["ListPackageJobs"](jobs, check_parameters("ListPackageJobs", {"Status": "Init"}))
    assert [job["JobId"] for job in listed["PackageJobList"]["PackageJobs"]] == [fresh.job_id]
    ended = QUERIES["ListPackageJobs"](jobs, check_parameters("ListPackageJobs", {"Status": "Success"}))
    assert ended["PackageJobList"]["PackageJobs"] == []
