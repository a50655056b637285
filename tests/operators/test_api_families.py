"""``ImsApiOperator`` and ``VodApiOperator`` call an action of every family of the two APIs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.api_families import API_FAMILIES, family_of
from support.emulated import add_jobs
from support.families import call_one_action
from support.requests import documented_requests
from support.running import run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.families.kinds import Family
from airflow_provider_ims.emulator.api.families.shapes import documented
from airflow_provider_ims.emulator.api.families.table import FAMILIES
from airflow_provider_ims.emulator.api.model import JobKind, Product, key_of
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.operators.ims import ImsApiOperator
from airflow_provider_ims.operators.vod import VodApiOperator

OPERATORS = {"ice": ImsApiOperator, "vod": VodApiOperator}


def decoded(product: Product, action: str, request: dict[str, str]) -> dict[str, Any]:
    """Return the parameters as the author of a DAG writes them: JSON as objects."""
    shape = documented(product, action)
    is_json = {name: text.endswith(("{}", "[]")) for name, text in zip(shape.names, shape.parameters, strict=True)}
    return {name: json.loads(value) if is_json[name] else value for name, value in request.items()}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda one: f"{one.product.ram_code}-{one.name}")
def test_an_operator_calls_an_action_of_every_family(family: Family, ims_emulator: ImsEmulator) -> None:
    results: dict[str, Any] = {}

    def through_operator(product: Product, action: str, request: dict[str, str]) -> dict[str, Any]:
        operator = OPERATORS[product.ram_code]
        parameters = decoded(product, action, request)
        results[action] = run_task(operator(task_id="call", action=action, parameters=parameters))
        return {"MediaId": results[action].get("media_id"), "VideoId": results[action].get("video_id")}

    action, _ = call_one_action(family, through_operator)
    (request,) = ims_emulator.requests(action)
    assert request["status"] == 200
    assert results[action]["request_id"] == request["request_id"]


#: The key of the query action of each job family -> the last kind of the family.
JOB_KINDS_OF_QUERIES = {key_of(kind.family.query, kind.family.product.version): kind for kind in JOB_KINDS.values()}


@pytest.mark.parametrize("kind", JOB_KINDS_OF_QUERIES.values(), ids=JOB_KINDS_OF_QUERIES)
def test_an_operator_queries_a_job_of_every_family(kind: JobKind, ims_emulator: ImsEmulator) -> None:
    (job_id,) = add_jobs(ims_emulator, kind, documented_requests(kind)[0], [0])
    family = kind.family
    parameters = {family.id_parameter: job_id, **family.fixed_parameters}
    operator = OPERATORS[family.product.ram_code]
    run_task(operator(task_id="call", action=family.query, parameters=parameters))
    (request,) = ims_emulator.requests(family.query)
    assert request["status"] == 200


def test_an_action_of_every_family_of_the_apis_is_called() -> None:
    called = {(family.product.ram_code, action) for family in FAMILIES for action in family.actions}
    called |= {(kind.family.product.ram_code, kind.family.query) for kind in JOB_KINDS_OF_QUERIES.values()}
    # test_api.py calls the actions of callbacks.
    called |= {("ice", "GetEventCallback"), ("vod", "GetMessageCallback")}
    named = {(product, family) for product, families in API_FAMILIES.items() for family in families}
    assert named - {(product, family_of(product, action)) for product, action in called} == set()
