"""The data types that declare the resources of a family of actions."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import Fields, Product
from airflow_provider_ims.emulator.state.resources import Resource

Respond: TypeAlias = "Callable[[Jobs, dict[str, str]], Fields]"
"""Returns the response to valid parameters; fields that the action does not document are omitted."""

#: Fields that many responses contain besides the resource.
ENVELOPE: Mapping[str, Any] = {"Success": True, "Code": "200"}


def hex_id(jobs: Jobs) -> str:
    """Return an id in the usual format."""
    return uuid.uuid4().hex


def number(jobs: Jobs) -> str:
    """Return an id that is an integer."""
    return str(1000 + jobs.store.resources.next_number())


def prefixed(prefix: str) -> Callable[[Jobs], str]:
    """Return a function that returns an id with a prefix."""
    return lambda jobs: f"{prefix}{uuid.uuid4().hex}"


@dataclass(frozen=True)
class ResourceKind:
    """
    Resources of one kind, and the actions that manage them.

    An attribute with actions contains their names, separated by spaces. The fields of a resource are the parameters
    with which it was created and updated. A response contains those that the action documents, with these differences:

    - The times of creation and of the last change have different names in different actions.
    - A field can have a name that differs in case, such as CoverUrl and CoverURL.

    :param name: Its name, which is unique within the product.
    :param id: The fields that identify a resource, separated by spaces; empty if a region has only one.
    :param new_id: Returns the last of these fields; None if the caller names the resource.
    :param create: The actions that create a resource; likewise ``get``, ``update``, ``delete``.
    :param find: The actions that return several resources by their ids. Those in ``list`` list all resources.
    :param put: The actions that create or replace a resource.
    :param changes: Actions that change fields: action -> the changes.
    :param other: Other actions.
    :param ids: The parameter that contains the id, if it is not the field: action -> parameter. If its name is a
        plural, it contains several ids.
    :param alternatives: Fields that also identify a resource: action -> parameter -> field.
    :param names: Other names of fields: parameter or response field -> field.
    :param initial: Fields of a new resource that the request does not contain.
    :param prepare: Returns additional fields of a new resource, from its fields.
    :param derived: Returns additional fields of a resource when it is read.
    :param elsewhere: Returns the fields of a resource that none of the actions created, such as the output of a job.
    :param objects: Objects in responses that are omitted unless a field has their name.
    :param envelope: The fields of a response besides the resource.
    :param unknown: The error code for an unknown id.
    """

    name: str
    product: Product
    id: str
    new_id: Callable[[Jobs], str] | None = hex_id
    create: str = ""
    get: str = ""
    find: str = ""
    list: str = ""
    update: str = ""
    put: str = ""
    delete: str = ""
    changes: Mapping[str, Fields] = field(default_factory=dict)
    other: Mapping[str, Respond] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    alternatives: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    initial: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Jobs, Fields], Fields] | None = None
    derived: Callable[[Jobs, Resource], Fields] | None = None
    elsewhere: Callable[[Jobs, str], Fields | None] | None = None
    objects: frozenset[str] = frozenset()
    envelope: Mapping[str, Any] = field(default_factory=lambda: ENVELOPE)
    unknown: str = "ResourceNotFound"

    @property
    def key(self) -> str:
        """The key of the kind in the store."""
        return f"{self.product.ram_code}:{self.name}"

    @property
    def id_fields(self) -> tuple[str, ...]:
        """The fields that identify a resource."""
        return tuple(self.id.split())

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of all actions."""
        declared = (self.create, self.get, self.find, self.list, self.update, self.put, self.delete)
        return (*(name for names in declared for name in names.split()), *self.changes, *self.other)

    def field_of(self, name: str) -> str:
        """Return the field for a parameter or a response field."""
        return self.names.get(name, name)


@dataclass(frozen=True)
class Family:
    """
    A group of related actions.

    :param name: Its name, which is unique within the product.
    :param kinds: The resources that its actions manage.
    :param other: Actions that belong to no resource.
    """

    product: Product
    name: str
    kinds: tuple[ResourceKind, ...] = ()
    other: Mapping[str, Respond] = field(default_factory=dict)

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of all actions."""
        return (*(action for kind in self.kinds for action in kind.actions), *self.other)
