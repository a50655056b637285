from __future__ import annotations

import json
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.api_families import API_FAMILIES, family_of

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.known_actions import KNOWN_ACTIONS, KNOWN_ACTIONS_FILE
from airflow_provider_ims.emulator.api.model import PRODUCTS
from airflow_provider_ims.emulator.api.operations import ACTIONS

if TYPE_CHECKING:
    from support.emulated import SignedClient

#: Version of the API -> the package of the product client.
CLIENTS = {"2020-11-09": "alibabacloud_ice20201109", "2017-03-21": "alibabacloud_vod20170321"}
UPDATE = "UPDATE_DOCS=1 pytest tests/emulator/test_known_actions.py"


def actions_of_the_sdk(version: str) -> list[str]:
    # Importing the clients takes seconds.
    spec = find_spec(CLIENTS[version])
    assert spec is not None
    assert spec.origin is not None
    source = Path(spec.origin).with_name("client.py").read_text(encoding="utf-8")
    return sorted(set(re.findall(r"action = '(\w+)'", source)))


@pytest.mark.newest_sdk
def test_the_known_actions_are_the_actions_of_the_sdk() -> None:
    expected = {version: actions_of_the_sdk(version) for version in CLIENTS}
    if os.environ.get("UPDATE_DOCS"):
        KNOWN_ACTIONS_FILE.write_text(json.dumps(expected, indent=1) + "\n", encoding="utf-8")
    assert json.loads(KNOWN_ACTIONS_FILE.read_text(encoding="utf-8")) == expected, UPDATE


def test_every_emulated_action_is_a_known_action() -> None:
    for name, action in ACTIONS.items():
        assert name.removeprefix("vod:") in KNOWN_ACTIONS[action.product.version]


@pytest.mark.parametrize(
    ("action", "version", "product"),
    [("DescribeMeterImsEditUsage", "2020-11-09", "ICE"), ("DescribePlayUserTotal", "2017-03-21", "VOD")],
)
def test_the_error_for_an_action_that_is_not_emulated_contains_its_name(
    emulator: ImsEmulator, send: SignedClient, action: str, version: str, product: str
) -> None:
    status, body = send(action, version=version)
    assert (status, body["Code"]) == (400, "EmulatorNotImplemented")
    assert body["Message"] == f"The emulator does not emulate {action} of {product}."
    assert emulator.requests(action)[0]["error_code"] == "EmulatorNotImplemented"


def test_every_family_of_the_apis_has_an_emulated_action() -> None:
    emulated = {(action.product.ram_code, key.rpartition(":")[2]) for key, action in ACTIONS.items()}
    known = [(PRODUCTS[version].ram_code, action) for version in CLIENTS for action in KNOWN_ACTIONS[version]]
    families = {(product, action): family_of(product, action) for product, action in known}
    assert [action for action, family in families.items() if family is None] == []
    named = {(product, family) for product, names in API_FAMILIES.items() for family in names}
    assert {(product, families[product, action]) for product, action in known} == named
    assert named - {(product, families[product, action]) for product, action in emulated} == set()
