"""Undocumented keys in JSON parameters."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest
from alibabacloud_ice20201109 import models as ice
from support.emulated import SignedClient
from support.submits import SUBMITS, encoded

from airflow_provider_ims._jobs.kinds import KINDS
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.keys import DOCUMENTED_KEYS

EVERY_LIST = [(action, name) for action, parameters in DOCUMENTED_KEYS.items() for name in parameters]
every_list = pytest.mark.parametrize(("action", "name"), EVERY_LIST)


def with_key(action: str, name: str, key: str) -> dict[str, str]:
    """Return a valid request with an additional key in a parameter."""
    given = SUBMITS["ice", action]
    config = {key: 1} if name not in given else {**json.loads(encoded(given)[name]), key: 1}
    return {**encoded(given), name: json.dumps(config)}


def test_the_emulator_and_the_provider_know_the_same_keys() -> None:
    catalogue = {
        (kind.submit_action, parameter.name): {
            *parameter.schema.get("properties", ()),
            *parameter.schema["known"].split(),
        }
        for kind in KINDS
        for parameter in kind.parameters
        if parameter.schema and "known" in parameter.schema
    }
    emulated = {(action, name): set(DOCUMENTED_KEYS[action][name].split()) for action, name in EVERY_LIST}
    assert emulated == {place: keys - {"..."} for place, keys in catalogue.items()}


def documented_by_the_sdk(action: str, name: str) -> set[str]:
    """Return the keys of a parameter that is an object in the product SDK; an empty set for a string."""
    model: Any = getattr(ice, f"{action}Request{name}", None)
    return set(re.findall(r"result\['(\w+)'\] = ", inspect.getsource(model.to_map))) if model else set()


def test_the_keys_are_those_of_the_models_of_the_sdk() -> None:
    documented = {(action, name): documented_by_the_sdk(action, name) for action, name in EVERY_LIST}
    typed = {place: keys for place, keys in documented.items() if keys}
    assert len(typed) == 19
    for name in ("Input", "Output"):
        # The examples contain keys that are missing from the models.
        typed["SubmitCopyrightJob", name] |= {"Bucket", "Location", "Object"}
    assert typed == {(action, name): set(DOCUMENTED_KEYS[action][name].split()) for action, name in typed}


@every_list
def test_an_undocumented_key_is_ignored_with_a_warning(
    send: SignedClient, action: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    status, _ = send(action, with_key(action, name, "Stranger"))
    assert status == 200
    assert f"{action}: ignored keys that are not documented: {name}.Stranger" in caplog.messages


@every_list
def test_an_undocumented_key_is_rejected_if_the_emulator_is_strict(action: str, name: str) -> None:
    with ImsEmulator(strict=True) as emulator:
        status, body = SignedClient.of(emulator)(action, with_key(action, name, "Stranger"))
        assert (status, body["Code"]) == (400, "InvalidParameter")
        assert f"{name}.Stranger" in body["Message"]
        assert emulator.jobs() == []


def test_a_strict_emulator_accepts_documented_keys() -> None:
    with ImsEmulator(strict=True) as emulator:
        send = SignedClient.of(emulator)
        for action in DOCUMENTED_KEYS:
            assert send(action, encoded(SUBMITS["ice", action]))[0] == 200, action
