"""The official product clients say what a request must look like: ours is sent beside theirs and compared."""

from __future__ import annotations

import contextlib
import inspect
import json
import re
from typing import Any

import pytest
from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_ice20201109.client import Client as IceClient
from alibabacloud_vod20170321 import models as vod_models
from alibabacloud_vod20170321.client import Client as VodClient
from darabonba.exceptions import ResponseException

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.hooks.actions import ICE, VOD
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook
from airflow_provider_ims.jobs.kind import JobKind
from airflow_provider_ims.jobs.kinds import KINDS, NO_JOBS

pytestmark = pytest.mark.slow

CLIENTS: dict[str, type[Any]] = {ICE.code: IceClient, VOD.code: VodClient}
MODELS = {ICE.code: ice_models, VOD.code: vod_models}


def methods_of(product: str) -> dict[str, str]:
    """Return {action: method} of a product client, by the models that its methods take."""
    found = {}
    for name, method in inspect.getmembers(CLIENTS[product], inspect.isfunction):
        request = str(inspect.signature(method).parameters.get("request", ""))
        if not name.endswith(("_async", "_with_options")) and (match := re.search(r"models\.(\w+)Request", request)):
            found[match[1]] = name
    return found


METHODS = {product: methods_of(product) for product in CLIENTS}


def actions_of(kind: JobKind) -> list[str]:
    family = kind.family
    listing = family.listing.action if family.listing else None
    actions = [kind.submit_action, family.query_action, listing, kind.family.cancel_action]
    return [action for action in actions if action]


#: Every action that the catalogue can send, and the one that a search needs besides.
ACTIONS = [*{(kind.family.product.code, action): None for kind in KINDS for action in actions_of(kind)}]
ACTIONS.append((VOD.code, "ListAIImageInfo"))
IDS = [f"{product}:{action}" for product, action in ACTIONS]
#: Characters that a query or a form may spoil, and what fills parameters of 60 kB.
TEXTS = {"plain": "text", "odd": "新店 开业!'()*~-_. +&=%/?:;,@\"\\\n\t<>#[]{}|^`🎂", "long": "新店开业啦，" * 1111}
#: Characters of a text in all parameters but the first that takes one.
SHORT = 100
COMPARED = ("method", "action", "version", "parameters", "in_query", "in_body")


def request_model(product: str, action: str) -> type[Any]:
    model: type[Any] = getattr(MODELS[product], f"{action}Request")
    return model


def declared(product: str, action: str) -> dict[str, str]:
    """Return {attribute: type} of the request that the product client takes."""
    wanted = inspect.signature(request_model(product, action)).parameters
    return {name: str(kind.annotation).strip("'") for name, kind in wanted.items()}


def wire_names(product: str, action: str) -> dict[str, str]:
    """Return {attribute: name on the wire}, without what the SDK fills in itself."""
    names = {}
    for attribute, kind in declared(product, action).items():
        request, probe = request_model(product, action)(), Probe()
        setattr(request, attribute, [probe] if kind.startswith("List") else probe)
        (name,) = (name for name, value in request.to_map().items() if value in (probe, [probe]))
        if not name.startswith("Signature"):
            names[attribute] = name
    return names


class Probe:
    """Stands for the value of an attribute, to learn its name on the wire."""

    def to_map(self) -> Probe:
        return self


def objects_of(product: str, action: str) -> set[str]:
    """Return the parameters that the product client takes as objects and sends as JSON."""
    kinds, names = declared(product, action), wire_names(product, action)
    return {names[attribute] for attribute, kind in kinds.items() if kind not in ("str", "int", "bool")}


def filled(product: str, action: str, text: str) -> dict[str, Any]:
    """Return every parameter that the product client knows of an action, as it stands in a request's map."""
    values = {"str": text, "int": 7, "bool": True}
    kinds, names = declared(product, action), wire_names(product, action)
    # What is an object there is given empty: whatever it holds is written as JSON by either.
    empty: dict[str, Any] = {name: [] if kinds[one].startswith("List") else {} for one, name in names.items()}
    request = {name: values.get(kinds[one], empty[name]) for one, name in names.items()}
    # One long text is enough: to encode it in every parameter takes a second for each request.
    long = next((name for name, value in request.items() if value == text), None)
    return {name: value[:SHORT] if value == text and name != long else value for name, value in request.items()}


def send_both(
    emulator: ImsEmulator, product: str, action: str, parameters: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Send a request by the product client and by our call, and return what the emulator has on record of both."""
    hook = ImsHook() if product == ICE.code else VodHook()
    method = getattr(hook.get_conn(), METHODS[product][action])
    # The emulator refuses values without meaning; how they were sent is on its record all the same.
    with contextlib.suppress(ResponseException):
        request = request_model(product, action)()
        method(request.from_map(parameters) if parameters else request)
    ours = {
        name: json.dumps(value, separators=(",", ":")) if isinstance(value, (dict, list)) else value
        for name, value in parameters.items()
    }
    with contextlib.suppress(ImsError):
        hook.call(action, ours)
    records = emulator.requests(action)[-2:]
    for record in records:
        # The client writes a flag as Python does, we as the API's page does.
        record["parameters"] = {
            name: value.lower() if value in ("True", "False") else value for name, value in record["parameters"].items()
        }
    return records[0], records[1]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize(("product", "action"), ACTIONS, ids=IDS)
def test_the_hook_sends_what_the_product_client_sends(
    emulator: ImsEmulator, product: str, action: str, text: str
) -> None:
    parameters = filled(product, action, text)
    theirs, ours = send_both(emulator, product, action, parameters)
    assert {name: ours[name] for name in COMPARED} == {name: theirs[name] for name in COMPARED}
    # All of it arrived, and as it was meant.
    assert set(ours["parameters"]) == set(parameters)
    assert text in ours["parameters"].values()
    # Both were signed right; one that is spoiled on its way is refused for its signature.
    assert ours["error_code"] == theirs["error_code"] != "SignatureDoesNotMatch"


@pytest.mark.parametrize(("product", "action"), ACTIONS, ids=IDS)
def test_without_parameters_they_send_the_same_too(emulator: ImsEmulator, product: str, action: str) -> None:
    theirs, ours = send_both(emulator, product, action, {})
    assert {name: ours[name] for name in COMPARED} == {name: theirs[name] for name in COMPARED}


def kind_id(kind: JobKind) -> str:
    return f"{kind.family.product.code}:{kind.submit_action}"


#: Left over from before RAM: whose account is called is told by the credentials.
BEFORE_RAM = {"OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId"}


@pytest.mark.parametrize("product", CLIENTS)
def test_every_submit_action_of_the_product_client_is_a_kind_or_told_to_be_none(product: str) -> None:
    known = {kind.submit_action for kind in KINDS if kind.family.product.code == product}
    assert known | set(NO_JOBS[product]) == {action for action in METHODS[product] if action.startswith("Submit")}
    assert not known & set(NO_JOBS[product])


@pytest.mark.parametrize("kind", KINDS, ids=kind_id)
def test_a_kind_has_every_parameter_that_the_product_client_has(kind: JobKind) -> None:
    product = kind.family.product.code
    kinds, names = declared(product, kind.submit_action), wire_names(product, kind.submit_action)
    taken = {names[attribute]: kinds[attribute] for attribute in names if names[attribute] not in BEFORE_RAM}
    ours = {
        parameter.name: "int" if parameter.is_number else "bool" if parameter.is_flag else "str"
        for parameter in kind.parameters
    }
    objects = objects_of(product, kind.submit_action)
    assert ours == {name: "str" if name in objects else kind for name, kind in taken.items()}
    assert objects <= {parameter.name for parameter in kind.parameters if parameter.is_json}


@pytest.mark.parametrize("kind", KINDS, ids=kind_id)
def test_a_kind_requires_what_the_product_clients_documents_require(kind: JobKind) -> None:
    source = inspect.getsource(request_model(kind.family.product.code, kind.submit_action).__init__)
    documented = {
        wire_names(kind.family.product.code, kind.submit_action)[attribute]
        for comments, attribute in re.findall(r"((?: +#.*\n)*) +self\.(\w+) = ", source)
        if "This parameter is required" in comments
    }
    ours = {parameter.name for parameter in kind.parameters if parameter.required}
    assert ours ^ documented == DIFFERENTLY_REQUIRED.get(kind.submit_action, set())


#: By the API's page, which says more than the SDK: without any input there is nothing to make a video of.
DIFFERENTLY_REQUIRED = {"SubmitBatchMediaProducingJob": {"InputConfig"}}


@pytest.mark.parametrize("kind", KINDS, ids=kind_id)
def test_the_actions_of_a_kind_take_the_parameters_that_it_names(kind: JobKind) -> None:
    family, product = kind.family, kind.family.product.code
    taken = set(filled(product, family.query_action, "text"))
    assert {family.id_parameter, *dict(family.extra_parameters)} <= taken
    if kind.family.cancel_action:
        assert "JobId" in filled(product, kind.family.cancel_action, "text")
    if listing := family.listing:
        named = {listing.with_status, listing.page_size, listing.token, listing.since}
        named |= {listing.order} if listing.newest_first else set()
        assert named - {None} <= set(filled(product, listing.action, "text"))


def fields_at(product: str, model: str, path: str) -> set[str] | None:
    """Return the fields of a response model at the end of a path; none where a value has no fields."""
    for step in (path or "").split(".") if path else ():
        kinds = model_fields(product, model)
        match = re.search(r"main_models\.(\w+)", kinds[step.removesuffix("[]")])
        if match is None:
            return None
        model = match[1]
    return set(model_fields(product, model))


def model_fields(product: str, model: str) -> dict[str, str]:
    """Return {name on the wire: type} of a model."""
    source = inspect.getsource(getattr(MODELS[product], model))
    kinds = dict(re.findall(r"^        (\w+): (.+?) = None,$", source, re.MULTILINE))
    names = re.findall(r"result\['(\w+)'\] = (?:self\.(\w+)|\[\])", source)
    lists = re.findall(r"result\['(\w+)'\] = \[\]\s+if self\.(\w+) is not None", source)
    return {name: kinds[attribute] for name, attribute in [*names, *lists] if attribute}


@pytest.mark.parametrize("kind", KINDS, ids=kind_id)
def test_what_a_kind_reads_is_in_the_product_clients_models(kind: JobKind) -> None:
    family, product = kind.family, kind.family.product.code
    submitted, _, field = kind.job_id.rpartition(".")
    assert field in (fields_at(product, f"{kind.submit_action}ResponseBody", submitted) or ())
    body = f"{family.query_action}ResponseBody"
    job = fields_at(product, body, family.jobs) or set()
    assert {family.job_id or family.status, family.status} <= job
    paths = [path.rpartition("=")[2] for path in family.result]
    for path in (family.error_code, family.error_message, *paths):
        outer, _, field = path.rpartition(".")
        inner = fields_at(product, body, ".".join(part for part in (family.jobs, outer) if part))
        # What is JSON inside a string, the models do not know.
        assert not path or inner is None or field in inner


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.family.listing], ids=kind_id)
def test_a_listing_is_as_the_product_client_knows_it_and_a_search_sees_user_data(kind: JobKind) -> None:
    listing = kind.family.listing
    assert listing is not None
    body = f"{listing.action}ResponseBody"
    job = fields_at(kind.family.product.code, body, listing.items) or set()
    assert {listing.job_id, listing.status, listing.created} - {"CreateTime"} <= job
    assert ("UserData" in job) is (kind.family.search is not None)
    outer, _, field = (listing.token_at or listing.token).rpartition(".")
    assert field in (fields_at(kind.family.product.code, body, outer) or ())
