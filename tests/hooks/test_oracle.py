"""The hooks send the same requests as the product clients, which are the reference."""

from __future__ import annotations

import contextlib
import inspect
import re
from typing import Any

import pytest
from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_ice20201109.client import Client as IceClient
from alibabacloud_vod20170321 import models as vod_models
from alibabacloud_vod20170321.client import Client as VodClient
from darabonba.exceptions import ResponseException

from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.kinds import KINDS, NO_JOBS
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.hooks._actions import ICE, VOD
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook

pytestmark = pytest.mark.slow

CLIENTS: dict[str, type[Any]] = {ICE.code: IceClient, VOD.code: VodClient}
MODELS = {ICE.code: ice_models, VOD.code: vod_models}


def methods_of(product: str) -> dict[str, str]:
    """Return {action: method} of a product client, by the request models of its methods."""
    found = {}
    for name, method in inspect.getmembers(CLIENTS[product], inspect.isfunction):
        request = str(inspect.signature(method).parameters.get("request", ""))
        if not name.endswith(("_async", "with_options")) and (match := re.search(r"models\.(\w+)Request", request)):
            found[match[1]] = name
    return found


METHODS = {product: methods_of(product) for product in CLIENTS}


def actions_of(kind: JobKind) -> list[str]:
    family = kind.family
    listing = family.listing.action if family.listing else None
    actions = [kind.submit_action, family.query_action, listing, kind.family.cancel_action]
    return [action for action in actions if action]


#: Every action of the catalogue, and two actions that are used only in searches.
ACTIONS = [*{(kind.family.product.code, action): None for kind in KINDS for action in actions_of(kind)}]
ACTIONS += [(VOD.code, "ListAIImageInfo"), (ICE.code, "ListWorkflowTasks")]
IDS = [f"{product}:{action}" for product, action in ACTIONS]
#: Characters that must be escaped in a query or a form, and a text of 60 kB when it is percent-encoded.
TEXTS = {"plain": "text", "special": "新店 开业!'()*~-_. +&=%/?:;,@\"\\\n\t<>#[]{}|^`🎂", "long": "新店开业啦，" * 1111}
#: The length of a text in all text parameters but the first.
SHORT = 100
COMPARED = ("method", "action", "version", "parameters", "in_query", "in_body")


def request_model(product: str, action: str) -> type[Any]:
    model: type[Any] = getattr(MODELS[product], f"{action}Request")
    return model


def declared(product: str, action: str) -> dict[str, str]:
    """Return {attribute: type} of a request model."""
    wanted = inspect.signature(request_model(product, action)).parameters
    return {name: str(kind.annotation).strip("'") for name, kind in wanted.items()}


def wire_names(product: str, action: str) -> dict[str, str]:
    """Return {attribute: parameter name}, without the parameters that the SDK sets."""
    names = {}
    for attribute, kind in declared(product, action).items():
        request, probe = request_model(product, action)(), Probe()
        setattr(request, attribute, [probe] if kind.startswith("List") else probe)
        (name,) = (name for name, value in request.to_map().items() if value in (probe, [probe]))
        if not name.startswith("Signature"):
            names[attribute] = name
    return names


class Probe:
    """A value that identifies an attribute in the request."""

    def to_map(self) -> Probe:
        return self


def objects_of(product: str, action: str) -> set[str]:
    """Return the parameters that are objects in the request model and JSON in the request."""
    kinds, names = declared(product, action), wire_names(product, action)
    return {names[attribute] for attribute, kind in kinds.items() if kind not in ("str", "int", "bool")}


def filled(product: str, action: str, text: str) -> dict[str, Any]:
    """Return a value for every parameter of an action in the product client."""
    values = {"str": text, "int": 7, "bool": True}
    kinds, names = declared(product, action), wire_names(product, action)
    # Objects are empty: both clients encode their content as JSON.
    empty: dict[str, Any] = {name: [] if kinds[one].startswith("List") else {} for one, name in names.items()}
    request = {name: values.get(kinds[one], empty[name]) for one, name in names.items()}
    # One long text is sufficient: encoding it in every parameter would take a second for each request.
    long = next((name for name, value in request.items() if value == text), None)
    return {name: value[:SHORT] if value == text and name != long else value for name, value in request.items()}


def send_both(
    emulator: ImsEmulator, product: str, action: str, parameters: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Send a request with the product client and with the hook, and return the emulator's records of both."""
    hook = ImsHook() if product == ICE.code else VodHook()
    method = getattr(hook.get_conn(), METHODS[product][action])
    # The methods of actions without parameters have no request.
    model = getattr(MODELS[product], f"{action}Request", None)
    request = model and model().from_map(parameters)
    # The emulator rejects invalid values, but records the request.
    with contextlib.suppress(ResponseException):
        method(*() if request is None else (request,))
    with contextlib.suppress(ImsError):
        # The request model adds empty lists to objects.
        hook.call(action, request.to_map() if request else {})
    records = emulator.requests(action)[-2:]
    for record in records:
        # The product client sends a flag as Python writes it, the hook as the API documents it.
        record["parameters"] = {
            name: value.lower() if value in ("True", "False") else value for name, value in record["parameters"].items()
        }
    return records[0], records[1]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize(("product", "action"), ACTIONS, ids=IDS)
def test_the_hook_sends_the_same_request_as_the_product_client(
    emulator: ImsEmulator, product: str, action: str, text: str
) -> None:
    parameters = filled(product, action, text)
    theirs, ours = send_both(emulator, product, action, parameters)
    assert {name: ours[name] for name in COMPARED} == {name: theirs[name] for name in COMPARED}
    # All parameters arrived unchanged.
    assert set(ours["parameters"]) == set(parameters)
    assert text in ours["parameters"].values()
    # Both signatures are valid; a request with wrongly escaped characters has an invalid signature.
    assert ours["error_code"] == theirs["error_code"] != "SignatureDoesNotMatch"


@pytest.mark.parametrize(("product", "action"), ACTIONS, ids=IDS)
def test_the_hook_sends_the_same_request_as_the_product_client_without_parameters(
    emulator: ImsEmulator, product: str, action: str
) -> None:
    theirs, ours = send_both(emulator, product, action, {})
    assert {name: ours[name] for name in COMPARED} == {name: theirs[name] for name in COMPARED}


#: A value for each type of parameter. Objects are empty: both clients encode their content as JSON.
VALUES = {"string": TEXTS["special"], "integer": 7, "boolean": True, "object": {}, "array": [], "repeated": ["a", "b"]}
#: The only repeated parameter whose items are not strings.
TAGS = {"Tag": [{"Key": "a", "Value": "b"}]}


@pytest.mark.newest_sdk
@pytest.mark.parametrize("hook", [ImsHook, VodHook])
def test_the_hook_sends_every_action_as_the_product_client_does(emulator: ImsEmulator, hook: type[Any]) -> None:
    client = hook().get_conn()
    methods = {name.replace("_", ""): name for name in dir(client)}
    for name, action in hook.product.actions.items():
        parameters = {one: TAGS.get(one, VALUES[kind]) for one, kind in action.parameters.items()}
        METHODS[hook.product.code].setdefault(name, methods[name.lower()])
        theirs, ours = send_both(emulator, hook.product.code, name, parameters)
        if action.anonymous:
            # The product client sends an unsigned request as with signature V1, in which Format is not a parameter of
            # the action.
            assert ours["parameters"].pop("Format") == "json"
            ours["in_query"].remove("Format")
        assert {one: ours[one] for one in COMPARED} == {one: theirs[one] for one in COMPARED}, name
        # The second request may be rejected, because the first has created the same resource.
        assert "SignatureDoesNotMatch" not in (ours["error_code"], theirs["error_code"]), name


def kind_id(kind: JobKind) -> str:
    return f"{kind.family.product.code}:{kind.submit_action}"


#: Obsolete since RAM was introduced, because the credentials determine the account.
BEFORE_RAM = {"OwnerAccount", "OwnerId", "ResourceOwnerAccount", "ResourceOwnerId"}


def returns_job_id(product: str, action: str) -> bool:
    """Return whether the response of an action contains the id of a job or a task, at any depth."""

    def has_id(model: str) -> bool:
        fields = model_fields(product, model) if hasattr(MODELS[product], model) else {}
        if any(re.search(r"(Job|Task)Ids?$", name) for name in fields):
            return True
        return any(has_id(inner) for kind in fields.values() for inner in re.findall(r"main_models\.(\w+)", kind))

    return has_id(f"{action}ResponseBody")


#: The query of this job requires the id of its project instead of a job id.
WITHOUT_JOB_ID = {ICE.code: set(), VOD.code: {"ProduceEditingProjectVideo"}}


@pytest.mark.parametrize("product", CLIENTS)
def test_every_action_that_may_start_a_job_is_a_job_kind_or_listed_in_no_jobs(product: str) -> None:
    known = {kind.submit_action for kind in KINDS if kind.family.product.code == product}
    reads = ("BatchGet", "Describe", "Get", "List", "Query", "Search")
    submits = {
        action
        for action in METHODS[product]
        if action.startswith("Submit") or (not action.startswith(reads) and returns_job_id(product, action))
    }
    # The action that cancels uploads returns their ids under another name.
    cancels = {action for action in NO_JOBS[product] if action.startswith("Cancel")}
    assert known | set(NO_JOBS[product]) == submits | WITHOUT_JOB_ID[product] | cancels
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
def test_a_kind_requires_the_parameters_that_the_product_client_documents_as_required(kind: JobKind) -> None:
    source = inspect.getsource(request_model(kind.family.product.code, kind.submit_action).__init__)
    documented = {
        wire_names(kind.family.product.code, kind.submit_action)[attribute]
        for comments, attribute in re.findall(r"((?: +#.*\n)*) +self\.(\w+) = ", source)
        if "This parameter is required" in comments
    }
    ours = {parameter.name for parameter in kind.parameters if parameter.required}
    assert ours ^ documented == DIFFERENTLY_REQUIRED.get(kind_id(kind), set())


#: Parameters that only the catalogue marks as required, because no job can be submitted without them; and one parameter
#: that only the SDK marks as required.
DIFFERENTLY_REQUIRED = {
    "ice:SubmitASRJob": {"InputFile"},
    "ice:SubmitAvatarVideoJob": {"InputConfig"},
    "ice:SubmitBatchMediaProducingJob": {"InputConfig", "OutputConfig"},
    "ice:SubmitHighlightExtractionJob": {"InputConfig"},
    "ice:SubmitScreenMediaHighlightsJob": {"InputConfig", "OutputConfig"},
    "ice:SubmitSegmentationJob": {"InputConfig"},
    "ice:SubmitSportsHighlightsJob": {"InputConfig", "OutputConfig"},
    "ice:SubmitVideoCognitionJob": {"Input"},
    "ice:SubmitVideoTranslationJob": {"InputConfig", "OutputConfig"},
    "ice:StartAIWorkflow": {"Inputs", "WorkflowId"},
    "ice:StartWorkflow": {"TaskInput", "WorkflowId"},
    "ice:UploadMediaByURL": {"UploadURLs"},
    "ice:UploadStreamByURL": {"MediaId", "StreamURL"},
    # The SDK marks this parameter as required, but the service requires it only if the URL has no extension.
    "vod:UploadStreamByURL": {"FileExtension"},
}


@pytest.mark.parametrize("kind", KINDS, ids=kind_id)
def test_the_product_client_has_the_parameters_that_a_kind_specifies(kind: JobKind) -> None:
    family, product = kind.family, kind.family.product.code
    taken = set(filled(product, family.query_action, "text"))
    assert {family.id_parameter, *dict(family.extra_parameters)} <= taken
    if kind.family.cancel_action:
        assert family.cancel_parameter in filled(product, kind.family.cancel_action, "text")
    if listing := family.listing:
        named = {listing.with_status, listing.page_size, listing.token, listing.since}
        named |= {listing.order} if listing.newest_first else set()
        assert named - {None} <= set(filled(product, listing.action, "text"))


def fields_at(product: str, model: str, path: str) -> set[str] | None:
    """Return the fields of a response model at the end of a path; ``None`` for a value without fields."""
    for step in (path or "").split(".") if path else ():
        kinds = model_fields(product, model)
        match = re.search(r"main_models\.(\w+)", kinds[step.removesuffix("[]")])
        if match is None:
            return None
        model = match[1]
    return set(model_fields(product, model))


def model_fields(product: str, model: str) -> dict[str, str]:
    """Return {field: type} of a model."""
    source = inspect.getsource(getattr(MODELS[product], model))
    kinds = dict(re.findall(r"^        (\w+): (.+?) = None,$", source, re.MULTILINE))
    names = re.findall(r"result\['(\w+)'\] = (?:self\.(\w+)|\[\])", source)
    lists = re.findall(r"result\['(\w+)'\] = \[\]\s+if self\.(\w+) is not None", source)
    return {name: kinds[attribute] for name, attribute in [*names, *lists] if attribute}


@pytest.mark.parametrize("kind", KINDS, ids=kind_id)
def test_the_product_client_has_the_fields_that_a_kind_reads(kind: JobKind) -> None:
    family, product = kind.family, kind.family.product.code
    submitted, _, field = kind.job_id.rpartition(".")
    assert field in (fields_at(product, f"{kind.submit_action}ResponseBody", submitted) or ())
    body = f"{family.query_action}ResponseBody"
    job = fields_at(product, body, family.jobs) or set()
    assert {family.job_id or family.status, family.status} <= job
    paths = [path.rpartition("=")[2] for path in family.result]
    for path in (*family.error, *paths):
        outer, _, field = path.rpartition(".")
        inner = fields_at(product, body, ".".join(part for part in (family.jobs, outer) if part))
        # The models do not describe JSON inside a string.
        assert not path or inner is None or field in inner


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.family.listing], ids=kind_id)
def test_the_product_client_has_the_fields_of_a_listing_and_the_user_data_of_a_search(kind: JobKind) -> None:
    listing = kind.family.listing
    assert listing is not None
    body = f"{listing.action}ResponseBody"
    job = fields_at(kind.family.product.code, body, listing.items) or set()
    assert {listing.job_id, listing.status, listing.created} - {"CreateTime"} <= job
    assert ("UserData" in job) is (kind.family.search is not None)
    outer, _, field = (listing.token_at or listing.token).rpartition(".")
    assert field in (fields_at(kind.family.product.code, body, outer) or ())
