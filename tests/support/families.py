"""Requests for the actions of the families, from the documented examples."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, TypeAlias

from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind
from airflow_provider_ims.emulator.api.families.shapes import documented
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import Product, key_of
from support.emulated import response_of
from support.requests import FIXTURES

#: Resource kind -> the action that creates such a resource, for kinds that do not declare this action.
CREATED_WITH = {
    "media asset": "RegisterMediaInfo",
    "video": "CreateUploadVideo",
    "image": "CreateUploadImage",
    "attached media": "CreateUploadAttachedMedia",
    "transcode template group": "AddTranscodeTemplateGroup",
    "addresses of reviewers": "SetAuditSecurityIp",
}
#: Resource kinds of which the emulator stores no resources.
EMPTY = {"public media asset", "AI RTC licence", "AI RTC authorization code", "video of a live stream", "played video"}

#: Parameters for which the documented example is not a valid value: (action, parameter) -> value.
VALID: dict[tuple[str, str], Any] = {
    ("CreateUploadMedia", "FileInfo"): {"Type": "video", "Name": "test", "Size": 108078336, "Ext": "mp4"},
    ("AddCategory", "ParentId"): -1,
    # With this parameter, the action adds templates to an existing group.
    ("AddTranscodeTemplateGroup", "TranscodeTemplateGroupId"): None,
    ("RegisterMediaInfo", "InputURL"): "http://example-bucket.oss-cn-shanghai.aliyuncs.com/example.mp4",
}
_MISSING = {"[]": '["text"]', "{}": "{}", "#": "1", "?": "true"}


def request_of(product: Product, action: str) -> dict[str, str]:
    """Return the documented example request of an action, with a value for each required parameter."""
    path = FIXTURES / product.ram_code / f"{action}.json"
    example = json.loads(path.read_text())["request"]
    shape = documented(product, action)
    request = {}
    for name, declared in zip(shape.names, shape.parameters, strict=True):
        value = VALID.get((action, name), example.get(name))
        if value is not None:
            request[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        elif "*" in declared:
            request[name] = next((text for mark, text in _MISSING.items() if declared.endswith(mark)), "text")
    return request


def created(jobs: Jobs, kind: ResourceKind) -> tuple[str, Any]:
    """Create a resource of a kind; return the action and its response."""
    names = (CREATED_WITH.get(kind.name), *kind.create.split(), *kind.put.split())
    action = next(name for name in names if name)
    return action, response_of(jobs, key_of(action, kind.product.version), request_of(kind.product, action))


def request_for_newest(jobs: Jobs, kind: ResourceKind, action: str) -> dict[str, str]:
    """Return the example request of an action, with the ids of the newest resource of the kind."""
    resource = jobs.store.resources.all(kind.key, jobs.region)[-1]
    names = documented(kind.product, action).names
    ids = {name: str(resource.fields[name]) for name in kind.id_fields}
    if kind.id_fields:
        ids[kind.ids.get(action, kind.id_fields[-1])] = ids[kind.id_fields[-1]]
    ids |= {name: str(resource.fields.get(field)) for name, field in kind.alternatives.get(action, {}).items()}
    request = request_of(kind.product, action)
    if action in kind.list.split():
        # The example also contains filters that do not match the resource, and the token of another page.
        shape = documented(kind.product, action)
        required = {name for name, text in zip(shape.names, shape.parameters, strict=True) if "*" in text}
        request = {name: str(resource.fields.get(name, value)) for name, value in request.items() if name in required}
    return {**request, **{name: value for name, value in ids.items() if name in names}}


#: (product, family) -> an action that creates a resource, and an action of the family that requires this resource.
_NEEDED = {
    ("ice", "playback"): ("RegisterMediaInfo", "GetPlayInfo"),
    ("ice", "media marks"): ("RegisterMediaInfo", "AddMediaMarks"),
    ("vod", "review"): ("CreateUploadVideo", "GetAuditHistory"),
}

Call: TypeAlias = "Callable[[Product, str, dict[str, str]], Any]"
"""Calls an action and returns its response."""


def call_one_action(family: Family, call: Call) -> tuple[str, Any]:
    """Create the resource that a family requires, call an action of the family, and return its name and response."""
    product = family.product
    if needed := _NEEDED.get((product.ram_code, family.name)):
        create, action = needed
        response = call(product, create, request_of(product, create))
        ids = {name: value for name, value in response.items() if name in ("MediaId", "VideoId")}
        names = documented(product, action).names
        request = {name: value for name, value in request_of(product, action).items() if name != "InputURL"}
        return action, call(product, action, {**request, **{name: ids[name] for name in ids if name in names}})
    actions = [CREATED_WITH[kind.name] for kind in family.kinds if kind.name in CREATED_WITH]
    for kind in family.kinds:
        actions += [*kind.create.split(), *kind.put.split(), *kind.list.split()]
    action = next(name for name in (*actions, *family.other) if name in family.actions)
    request = request_of(product, action)
    if action in _PAGED:
        del request["NextToken"]
    return action, call(product, action, request)


#: Actions whose documented example contains the token of another page.
_PAGED = {"ListPublicMediaBasicInfos"}
