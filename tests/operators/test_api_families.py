"""``ImsApiOperator`` and ``VodApiOperator`` call an action of every family of the two APIs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.families import call_one_action
from support.running import run_task

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.families.kinds import Family
from airflow_provider_ims.emulator.api.families.shapes import documented
from airflow_provider_ims.emulator.api.families.table import FAMILIES
from airflow_provider_ims.emulator.api.model import Product
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
