"""
Data types that declare the actions for resources, such as media assets.

A :class:`ResourceKind` declares the actions for one kind of resource. A :class:`Family` is a group of related actions.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import Fields, Product
from airflow_provider_ims.emulator.state.resources import Resource

Respond: TypeAlias = "Callable[[Jobs, dict[str, str]], Fields]"
"""A function that returns the response fields for valid parameters. The emulator then removes undocumented fields."""

#: Fields that many responses contain besides the fields of a resource.
ENVELOPE: Mapping[str, Any] = {"Success": True, "Code": "200"}


def hex_id(jobs: Jobs) -> str:
    """Return a new id in the most common format, 32 hexadecimal digits."""
    return uuid.uuid4().hex


def number(jobs: Jobs) -> str:
    """Return a new id that is an integer greater than 1000, as a string."""
    return str(1000 + jobs.store.resources.next_number())


def prefixed(prefix: str) -> Callable[[Jobs], str]:
    """Return a function that returns new ids, which consist of a prefix and 32 hexadecimal digits."""
    return lambda jobs: f"{prefix}{uuid.uuid4().hex}"


@dataclass(frozen=True)
class ResourceKind:
    """
    A kind of resource, and the actions that manage the resources of this kind.

    The fields of a resource are the parameters with which it was created and updated. A response contains those fields
    that are documented for the action. The comparison of names ignores case, because the case in the documentation
    varies, as in CoverUrl and CoverURL. The creation time and the modification time are returned under each of their
    documented names.

    The attributes ``create``, ``get``, ``find``, ``list``, ``update``, ``put`` and ``delete`` contain the names of
    actions, separated by spaces.

    :param name: The name of the kind, which is unique within the product.
    :param id: The fields that identify a resource, separated by spaces; empty if a region has only one resource of
        this kind.
    :param new_id: A function that returns a new value for the last field in ``id``; None if requests must contain the
        value.
    :param create: The actions that create a resource.
    :param get: The actions that return one resource.
    :param find: The actions that return several resources by their ids.
    :param list: The actions that return one page of all resources that match the filters of the request.
    :param update: The actions that change fields of a resource to the values in the request.
    :param put: The actions that create a resource or, if it exists, update it.
    :param delete: The actions that delete one or several resources.
    :param changes: Actions that set fields of a resource to fixed values: action -> fields.
    :param other: Other actions: action -> response function.
    :param ids: The parameter that contains the id: action -> parameter. An action in ``find`` must be listed. Any other
        action is listed only if the parameter and the field have different names. In the actions in ``find``, the
        parameter contains several ids. In the actions in ``delete``, it contains several ids if its name ends in ``s``.
    :param alternatives: Other parameters that can identify a resource: action -> parameter -> field.
    :param names: Other names of fields: parameter or response field -> field.
    :param initial: The default fields of a new resource.
    :param prepare: A function that returns further default fields of a new resource, given its other fields.
    :param derived: A function that returns fields that are computed each time a resource is read. They override the
        stored fields.
    :param elsewhere: A function that takes an id and returns the fields of a resource that no action created, such as
        the output of a job. The function returns None if the resource does not exist.
    :param objects: The names of nested objects in responses. Such an object is omitted unless the resource has a field
        with the same name.
    :param envelope: Constant fields of a response in addition to those of the resource.
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
        """The key under which the store contains the resources of this kind."""
        return f"{self.product.ram_code}:{self.name}"

    @property
    def id_fields(self) -> tuple[str, ...]:
        """The fields that identify a resource."""
        return tuple(self.id.split())

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of all actions of this kind."""
        declared = (self.create, self.get, self.find, self.list, self.update, self.put, self.delete)
        return (*(name for names in declared for name in names.split()), *self.changes, *self.other)

    def field_of(self, name: str) -> str:
        """Return the name of the stored field for the name of a parameter or response field."""
        return self.names.get(name, name)


@dataclass(frozen=True)
class Family:
    """
    A group of related actions.

    :param name: The name of the family, which is unique within the product.
    :param kinds: The kinds of resources that its actions manage.
    :param other: Actions that do not belong to a kind of resources: action -> response function.
    """

    product: Product
    name: str
    kinds: tuple[ResourceKind, ...] = ()
    other: Mapping[str, Respond] = field(default_factory=dict)

    @property
    def actions(self) -> tuple[str, ...]:
        """The names of all actions of the family."""
        return (*(action for kind in self.kinds for action in kind.actions), *self.other)
