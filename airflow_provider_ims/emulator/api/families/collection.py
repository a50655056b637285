"""The resources of one kind in a region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airflow_provider_ims.emulator.api.errors import ApiError, invalid, missing
from airflow_provider_ims.emulator.api.families.kinds import ResourceKind
from airflow_provider_ims.emulator.api.families.responses import Lookup, view_of
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import Fields
from airflow_provider_ims.emulator.api.parameters import Parameters
from airflow_provider_ims.emulator.state.resources import Resource


class Collection:
    """
    The resources of one kind in a region.

    :param jobs: The jobs of the emulator in the region. ``jobs.store`` also contains the resources.
    """

    def __init__(self, kind: ResourceKind, jobs: Jobs) -> None:
        self.kind = kind
        self.jobs = jobs
        self._table = jobs.store.resources

    def create(self, parameters: Mapping[str, object]) -> Resource:
        """
        Store a new resource and return it.

        If an earlier request had the same ClientToken, return the resource that the earlier request created.

        :raises ApiError: If the resource already exists, a field that identifies it is missing, or ``prepare`` rejects
            the fields.
        """
        kind = self.kind
        fields: Fields = {kind.field_of(name): value for name, value in parameters.items()}
        token = fields.get("ClientToken")
        if token and (earlier := self.first(ClientToken=token)) is not None:
            return earlier
        if kind.new_id is not None and kind.id_fields:
            fields.setdefault(kind.id_fields[-1], kind.new_id(self.jobs))
        if self._table.get(kind.key, self.jobs.region, self._id(fields)) is not None:
            # The error code is not documented.
            raise invalid(kind.id_fields[-1], f"The {kind.name} already exists.")
        return self._store(fields)

    def _store(self, fields: Fields) -> Resource:
        kind, now = self.kind, self.jobs.clock.now()
        fields = {**kind.initial, **fields}
        if kind.prepare is not None:
            fields = {**kind.prepare(self.jobs, fields), **fields}
        resource = Resource(kind.key, self.jobs.region, self._id(fields), fields, now, now)
        self._table.save(resource)
        return resource

    def update(self, resource: Resource, changes: Mapping[str, object]) -> None:
        """Store the changed fields of a resource. Ignore changes to the fields that identify it."""
        named = {self.kind.field_of(name): value for name, value in changes.items()}
        resource.fields |= {name: value for name, value in named.items() if name not in self.kind.id_fields}
        resource.modified = self.jobs.clock.now()
        self._table.save(resource)

    def delete(self, resource: Resource) -> None:
        """
        Delete a resource.

        If jobs can also create resources of this kind, the id is marked as deleted, so that :meth:`get` does not
        store the resource again.
        """
        self._table.delete(resource)
        if self.kind.elsewhere is not None:
            now = self.jobs.clock.now()
            self._table.save(Resource(self._deleted_key, self.jobs.region, resource.id, {}, now, now))

    def get(self, resource_id: str) -> Resource | None:
        """
        Return the resource with the given id; None if it does not exist.

        A resource that was not created by an action, such as the output of a job, is stored when it is first requested.
        """
        found = self._table.get(self.kind.key, self.jobs.region, resource_id)
        if found is not None or self.kind.elsewhere is None:
            return found
        if self._table.get(self._deleted_key, self.jobs.region, resource_id) is not None:
            return None
        fields = self.kind.elsewhere(self.jobs, resource_id)
        return None if fields is None else self._store({**fields, self.kind.id: resource_id})

    @property
    def _deleted_key(self) -> str:
        return f"{self.kind.key} (deleted)"

    def _by(self, field: str, value: str) -> Resource | None:
        return self.get(value) if (field,) == self.kind.id_fields else self.first(**{field: value})

    def all(self) -> list[Resource]:
        """Return all stored resources, oldest first."""
        return self._table.all(self.kind.key, self.jobs.region)

    def first(self, **fields: object) -> Resource | None:
        """Return the oldest stored resource whose fields have the given values; None if there is none."""
        return next((one for one in self.all() if fields.items() <= one.fields.items()), None)

    def view(self, resource: Resource) -> Lookup:
        """Return a function that looks up the value of a field of the resource by its name."""
        return view_of(self.kind, self.jobs, resource)

    def named(self, action: str, parameters: Parameters) -> Resource:
        """
        Return the resource that a request identifies.

        :raises ApiError: If the request contains no identifier, or the resource does not exist.
        """
        for parameter, field in self._identifiers(action):
            if parameters.get(parameter):
                found = self._by(field, parameters[parameter])
                break
        else:
            found = self.get(self._id(self._renamed(action, parameters)))
        if found is None:
            raise ApiError(self.kind.unknown)
        return found

    def several(self, action: str, parameters: Parameters) -> Iterator[tuple[str, Resource | None]]:
        """
        Yield (identifier, resource) for each identifier in a request. The resource is None if it does not exist.

        :raises ApiError: If the request contains no identifiers.
        """
        parameter = self.kind.ids[action]
        fields = {parameter: self.kind.id_fields[-1], **self.kind.alternatives.get(action, {})}
        if not any(parameters.get(name) for name in fields):
            raise missing(parameter)
        for name, field in fields.items():
            for value in filter(None, (part.strip(' []"') for part in parameters.get(name, "").split(","))):
                yield value, self._by(field, value)

    def _identifiers(self, action: str) -> Iterator[tuple[str, str]]:
        """
        Yield (parameter, field) for each parameter that can identify a resource, in order of precedence.

        The parameter with the id comes first. If the action accepts only the id, the method yields nothing.
        """
        parameter = self.kind.ids.get(action, self.kind.id_fields[-1] if self.kind.id_fields else "")
        if action in self.kind.alternatives:
            yield parameter, self.kind.id_fields[-1]
            yield from self.kind.alternatives[action].items()

    def _renamed(self, action: str, parameters: Parameters) -> Fields:
        parameter = self.kind.ids.get(action)
        fields: Fields = {self.kind.field_of(name): value for name, value in parameters.items()}
        return {**fields, self.kind.id_fields[-1]: parameters.get(parameter)} if parameter else fields

    def _id(self, fields: Mapping[str, object]) -> str:
        values = {name: fields.get(name) or self.kind.initial.get(name) for name in self.kind.id_fields}
        for name, value in values.items():
            if not value:
                raise missing(name)
        return "/".join(map(str, values.values()))
