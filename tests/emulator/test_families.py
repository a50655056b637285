"""The actions that manage resources, such as media assets, templates and live channels."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.emulated import SignedClient, open_jobs, response_of
from support.families import CREATED_WITH, EMPTY, call_one_action, created, request_for_newest, request_of
from support.requests import FIXTURES

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind
from airflow_provider_ims.emulator.api.families.responses import convert
from airflow_provider_ims.emulator.api.families.shapes import documented
from airflow_provider_ims.emulator.api.families.table import FAMILIES
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import VOD, Product, key_of

ACTIONS = [(family.product, action) for family in FAMILIES for action in family.actions]
KINDS = [kind for family in FAMILIES for kind in family.kinds if kind.name not in EMPTY]
TYPES = {str: "string", int: "integer", float: "number", bool: "boolean"}

each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda one: f"{one.product.ram_code}-{one.name}")
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.key)
each_action = pytest.mark.parametrize(("product", "action"), ACTIONS, ids=lambda one: getattr(one, "ram_code", one))


def call(jobs: Jobs, kind: ResourceKind, action: str, **changes: str) -> Any:
    return response_of(
        jobs, key_of(action, kind.product.version), {**request_for_newest(jobs, kind, action), **changes}
    )


def leaves(value: Any) -> dict[str, Any]:
    """Return the scalar fields of a response by name."""
    if isinstance(value, list):
        return {name: leaf for item in value for name, leaf in leaves(item).items()}
    if not isinstance(value, dict):
        return {}
    found = {name: leaf for name, leaf in value.items() if not isinstance(leaf, dict | list)}
    return {**{name: leaf for inner in value.values() for name, leaf in leaves(inner).items()}, **found}


def types_of(value: Any) -> Any:
    if isinstance(value, list):
        return [types_of(value[0])]
    if isinstance(value, dict):
        return {name: types_of(inner) for name, inner in value.items()}
    return TYPES[type(value)]


def conforms(value: Any, shape: Any, path: str) -> None:
    """Check that a response has only documented fields, with the documented types."""
    if isinstance(shape, str):
        assert TYPES[type(value)] == shape, path
    elif isinstance(shape, list):
        assert isinstance(value, list), path
        for item in value:
            conforms(item, shape[0], f"{path}[]")
    else:
        assert isinstance(value, dict), path
        assert not shape or set(value) <= set(shape), path
        for name, inner in value.items() if shape else ():
            conforms(inner, shape[name], f"{path}.{name}")


def test_no_action_belongs_to_two_families() -> None:
    assert len(ACTIONS) == len(set(ACTIONS))


@each_action
def test_the_shape_of_an_action_is_that_of_its_fixture(product: Product, action: str) -> None:
    fixture = json.loads((FIXTURES / product.ram_code / f"{action}.json").read_text())
    shape = documented(product, action)
    fixture["response"].pop("RequestId", None)
    assert set(fixture["request"]) <= set(shape.names)
    # A map has no documented fields, but it may have fields in an example.
    assert list(shape.response) == list(fixture["response"])
    for name, inner in shape.response.items():
        assert inner == {} or types_of(fixture["response"][name]) == inner or "{}" in json.dumps(inner), name


@each_kind
def test_a_resource_has_the_fields_with_which_it_was_created(kind: ResourceKind) -> None:
    with open_jobs() as jobs:
        action, response = created(jobs, kind)
        conforms(response, documented(kind.product, action).response, action)
        sent = request_of(kind.product, action)
        for reader in (*kind.get.split(), *kind.find.split(), *kind.list.split()):
            found = leaves(call(jobs, kind, reader))
            shape = leaves(documented(kind.product, reader).response)
            for name in sent.keys() & shape.keys() - {"Status", "Type", "FileName", *kind.names}:
                assert found[name] == convert(sent[name], shape[name]), (reader, name)


@each_kind
def test_all_actions_of_a_resource_succeed_and_have_documented_responses(kind: ResourceKind) -> None:
    with open_jobs() as jobs:
        created(jobs, kind)
        verbs = (kind.get, kind.find, kind.list, kind.update, " ".join(kind.changes), kind.put)
        for action in " ".join(verbs).split():
            response = call(jobs, kind, action)
            conforms(response, documented(kind.product, action).response, action)
            if action in (kind.get, *kind.find.split(), *kind.list.split()):
                assert leaves(response), action


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.delete], ids=lambda kind: kind.key)
def test_a_deleted_resource_is_unknown(kind: ResourceKind) -> None:
    with open_jobs() as jobs:
        created(jobs, kind)
        requests = {action: request_for_newest(jobs, kind, action) for action in kind.get.split()}
        listings = {action: request_for_newest(jobs, kind, action) for action in kind.list.split()}
        response = call(jobs, kind, kind.delete)
        conforms(response, documented(kind.product, kind.delete).response, kind.delete)
        for action, request in requests.items():
            with pytest.raises(ApiError, match=kind.unknown):
                response_of(jobs, key_of(action, kind.product.version), request)
        for action, request in listings.items():
            assert "[]" in json.dumps(response_of(jobs, key_of(action, kind.product.version), request)), action


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.get and kind.id], ids=lambda kind: kind.key)
def test_a_resource_belongs_to_its_region(kind: ResourceKind) -> None:
    with open_jobs() as jobs:
        created(jobs, kind)
        elsewhere = jobs.in_region("cn-beijing")
        for action in kind.get.split():
            with pytest.raises(ApiError, match=kind.unknown):
                response_of(elsewhere, key_of(action, kind.product.version), request_for_newest(jobs, kind, action))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.update and kind.get], ids=lambda kind: kind.key)
def test_an_update_changes_only_the_given_fields(kind: ResourceKind) -> None:
    with open_jobs() as jobs:
        created(jobs, kind)
        (before,) = jobs.store.resources.all(kind.key, jobs.region)[-1:]
        jobs.clock.advance(60)
        sent = request_for_newest(jobs, kind, kind.update)
        call(jobs, kind, kind.update)
        (after,) = jobs.store.resources.all(kind.key, jobs.region)[-1:]
        assert after.id == before.id
        assert after.modified == before.modified + 60
        changed = {kind.field_of(name) for name in sent}
        kept = {name: value for name, value in before.fields.items() if name not in changed}
        assert kept.items() <= after.fields.items()


@each_family
def test_an_action_of_every_family_succeeds_over_http(
    emulator: ImsEmulator, send: SignedClient, family: Family
) -> None:
    def over_http(product: Product, action: str, request: dict[str, str]) -> Any:
        status, body = send(action, request, version=product.version)
        assert status == 200, body
        del body["RequestId"]
        return body

    action, response = call_one_action(family, over_http)
    conforms(response, documented(family.product, action).response, action)
    assert action in family.actions
    assert emulator.counts()[action] == {"200": 1}


def required_parameters(product: Product, action: str) -> list[str]:
    shape = documented(product, action)
    return [name for name, text in zip(shape.names, shape.parameters, strict=True) if "*" in text]


@pytest.mark.parametrize(
    ("product", "action"),
    [one for one in ACTIONS if required_parameters(*one)],
    ids=lambda one: getattr(one, "ram_code", one),
)
def test_the_error_for_a_missing_parameter_contains_its_name(product: Product, action: str) -> None:
    valid = request_of(product, action)
    with open_jobs() as jobs:
        for missing in required_parameters(product, action):
            request = {name: value for name, value in valid.items() if name != missing}
            with pytest.raises(ApiError, match=f'MissingParameter: .*"{missing}"'):
                response_of(jobs, key_of(action, product.version), request)


UNUSUAL = ("[1]", '{"a": 1}', "[[]]", '[{"a": []}]', "null", "text", "-1", '"', "\x00")


@each_family
def test_unusual_values_cause_no_internal_error(family: Family) -> None:
    with open_jobs() as jobs:
        for kind in family.kinds:
            if kind.name not in EMPTY:
                created(jobs, kind)
        for action in family.actions:
            shape = documented(family.product, action)
            valid = request_of(family.product, action)
            for changed in ({**valid, name: value} for name in shape.names for value in UNUSUAL):
                try:
                    response = response_of(jobs, key_of(action, family.product.version), changed)
                except ApiError:
                    continue
                conforms(response, shape.response, action)


@pytest.mark.parametrize("value", [2**63 - 1, 0, -(2**63)])
def test_integers_of_64_bits_are_accepted(value: int) -> None:
    with open_jobs() as jobs:
        response_of(jobs, "AddCategory", {"CateName": "one", "ParentId": "-1", "Type": "default"})
        with pytest.raises(ApiError, match="ResourceNotFound"):
            response_of(jobs, "UpdateCategory", {"CateId": str(value), "CateName": "two"})


@pytest.mark.parametrize("value", [str(2**63), str(-(2**63) - 1), "1" * 5_000, "1.5", "--1", "one", "١"])
def test_other_values_of_an_integer_are_rejected(value: str) -> None:
    with open_jobs() as jobs, pytest.raises(ApiError, match=r'"CateId".*64-bit integer'):
        response_of(jobs, "UpdateCategory", {"CateId": value, "CateName": "two"})


@pytest.mark.parametrize(
    ("action", "name", "limit"),
    [
        ("SearchMedia", "PageSize", 50),
        ("vod:SearchMedia", "PageSize", 100),
        ("ListMediaBasicInfos", "MaxResults", 100),
        ("ListSearchLib", "PageSize", 50),
        ("ListLiveRecordTemplates", "PageSize", 100),
        ("GetCategories", "PageSize", 100),
    ],
)
def test_a_page_has_the_documented_maximum_size(action: str, name: str, limit: int) -> None:
    with open_jobs() as jobs:
        required = {"CateId": "-1"} if action == "GetCategories" else {}
        if required:
            created(jobs, next(kind for kind in KINDS if kind.name == "category" and kind.product is not VOD))
        response_of(jobs, action, {**required, name: str(limit)})
        with pytest.raises(ApiError, match=f'"{name}".*from 1 to {limit}'):
            response_of(jobs, action, {**required, name: str(limit + 1)})


def test_every_kind_is_created_by_an_action() -> None:
    for kind in KINDS:
        assert kind.create or kind.put or kind.name in CREATED_WITH, kind.key
    assert any(kind.product is VOD for kind in KINDS)
