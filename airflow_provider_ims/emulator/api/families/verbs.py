"""Implements the actions that most kinds of resources have in common, such as creating and listing resources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import ResourceKind
from airflow_provider_ims.emulator.api.families.listing import listed
from airflow_provider_ims.emulator.api.families.responses import fill, flattened, list_path
from airflow_provider_ims.emulator.api.families.shapes import documented
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import Fields
from airflow_provider_ims.emulator.state.resources import Resource

Handler: TypeAlias = "Callable[[ResourceKind, str, Jobs, dict[str, str]], Fields]"


def create(kind: ResourceKind, action: str, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Create a resource."""
    resources = Collection(kind, jobs)
    return _one(resources, action, resources.create(parameters))


def get(kind: ResourceKind, action: str, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return a resource."""
    resources = Collection(kind, jobs)
    return _one(resources, action, resources.named(action, parameters))


def find(kind: ResourceKind, action: str, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return the resources with the requested ids, and the ids that do not exist."""
    resources = Collection(kind, jobs)
    found = dict(resources.several(action, parameters))
    items = [resource for resource in found.values() if resource is not None]
    return _many(resources, action, items, _unknown(kind, action, [name for name in found if found[name] is None]))


def list_resources(kind: ResourceKind, action: str, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return one page of the resources that match the filters of the request."""
    resources = Collection(kind, jobs)
    shape = documented(kind.product, action)
    items, page = listed(resources, shape, parameters)
    return _many(resources, action, items, {**parameters, **page})


def update(kind: ResourceKind, action: str, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Set fields of a resource to the values in the request."""
    resources = Collection(kind, jobs)
    resource = resources.named(action, parameters)
    identifiers = {kind.ids.get(action, ""), *kind.alternatives.get(action, {})}
    resources.update(resource, {name: value for name, value in parameters.items() if name not in identifiers})
    return _one(resources, action, resource)


def put(kind: ResourceKind, action: str, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Create a resource or, if it exists, set its fields to the values in the request."""
    resources = Collection(kind, jobs)
    existing = resources.first(**{name: parameters.get(name, kind.initial.get(name)) for name in kind.id_fields})
    if existing is None:
        return create(kind, action, jobs, parameters)
    resources.update(existing, parameters)
    return _one(resources, action, existing)


def delete(kind: ResourceKind, action: str, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Delete a resource or, if the action accepts several ids, the resources with the requested ids."""
    resources = Collection(kind, jobs)
    if not kind.ids.get(action, "").endswith("s"):
        resource = resources.named(action, parameters)
        resources.delete(resource)
        return _one(resources, action, resource)
    found = dict(resources.several(action, parameters))
    for existing in found.values():
        if existing is not None:
            resources.delete(existing)
    unknown = _unknown(kind, action, [name for name in found if found[name] is None])
    return fill(documented(kind.product, action).response, {**kind.envelope, **unknown}.get)


def change(kind: ResourceKind, action: str, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Set fields of a resource to the fixed values that the kind declares for the action."""
    resources = Collection(kind, jobs)
    resource = resources.named(action, parameters)
    resources.update(resource, kind.changes[action])
    return _one(resources, action, resource)


def _one(resources: Collection, action: str, resource: Resource) -> Fields:
    kind, lookup = resources.kind, resources.view(resource)
    shape = documented(kind.product, action).response
    # Only top-level fields are taken from the envelope, because a nested object can contain a field of the resource
    # with the same name, such as Description.
    outer = {name: value for name, value in kind.envelope.items() if name in shape}
    return {**flattened(shape, lookup, kind.objects), **fill(shape, outer.get)}


def _many(resources: Collection, action: str, items: list[Resource], beside: Mapping[str, Any]) -> Fields:
    kind = resources.kind
    shape = documented(kind.product, action).response
    path = list_path(shape)
    content = fill(shape, {**kind.envelope, **beside}.get)
    place: Any = content
    inner: Any = shape
    for name in path[:-1]:
        place, inner = place.setdefault(name, {}), inner[name]
    item_shape = inner[path[-1]][0]
    place[path[-1]] = [flattened(item_shape, resources.view(item), kind.objects) for item in items]
    return content


def _unknown(kind: ResourceKind, action: str, unknown: list[str]) -> Fields:
    """Return the documented response fields for unknown ids; each field contains all unknown ids."""
    names = [name for name in documented(kind.product, action).response if name.startswith(("NonExist", "Ignored"))]
    return dict.fromkeys(names, unknown)


#: Attribute of ``ResourceKind`` -> the function that implements the actions in this attribute.
HANDLERS: Mapping[str, Handler] = {
    "create": create,
    "get": get,
    "find": find,
    "list": list_resources,
    "update": update,
    "put": put,
    "delete": delete,
    "changes": change,
}
