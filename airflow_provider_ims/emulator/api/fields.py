"""Functions that derive response fields from a job."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from airflow_provider_ims.emulator.api.addresses import split_oss
from airflow_provider_ims.emulator.api.model import Fields, JobView, Render, as_object, stable_id
from airflow_provider_ims.emulator.state.clock import iso
from airflow_provider_ims.emulator.state.store import Phase

Field: TypeAlias = "Callable[[JobView], Any]"
"""A function that returns the value of a response field. If the value is None, the field is omitted."""


PRIORITIES = tuple(str(number) for number in range(1, 11))


def fields(**values: Field | str | float) -> Render:
    """Return a function that returns the given response fields. Each value is a constant, or a function of the job."""

    def render(view: JobView) -> Fields:
        found = {name: value(view) if callable(value) else value for name, value in values.items()}
        return {name: value for name, value in found.items() if value is not None}

    return render


def combined(*renders: Render) -> Render:
    """Return a function that returns the fields of all given functions."""
    return lambda view: {name: value for render in renders for name, value in render(view).items()}


def sent(*names: str) -> Render:
    """Return a function that returns the given parameters of the request unchanged. Missing parameters are omitted."""
    return lambda view: view.given(*names)


def parameter(name: str) -> Field:
    """Return a function that returns a parameter of the request unchanged; None if the parameter is missing."""
    return lambda view: view.parameters.get(name)


def parsed(name: str) -> Field:
    """Return a function that parses a JSON parameter and returns its value; None if the parameter is missing."""
    return lambda view: json.loads(view.parameters[name]) if view.parameters.get(name) else None


def generated_id(*parts: object) -> Field:
    """Return a function that generates the id of an object that belongs to the job, such as its media asset."""
    return lambda view: view.id(*parts)


def parameter_or_id(name: str, *parts: object) -> Field:
    """Return a function that returns the id in a parameter, or a generated id if the parameter is missing."""
    return lambda view: view.parameters.get(name) or view.id(*parts)


def created(view: JobView) -> str:
    """Return the time at which the job was submitted."""
    return iso(view.job.created)


def modified(view: JobView) -> str:
    """
    Return the time at which the current phase of the job began.

    If the state of the job is pinned (see ``Jobs.set_state``), this time can be in the future.
    """
    return iso(view.modified)


def ended(view: JobView) -> str | None:
    """Return the time at which the job ended; None if it has not ended."""
    return iso(view.job.ends) if view.phase >= Phase.SUCCEEDED else None


def percent(view: JobView) -> int:
    """Return the progress of the job in percent: 100 if it has succeeded, otherwise 0."""
    return 100 if view.phase is Phase.SUCCEEDED else 0


def account(view: JobView) -> int:
    """Return the id of the account that owns the job."""
    return int(view.settings.account_id)


def submit_request_id(view: JobView) -> str:
    """Return an id for the field ``RequestId`` of a job. It differs from the id of the actual submit request."""
    digits = view.id("request").upper()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def pipeline(view: JobView) -> str:
    """Return the id of the requested pipeline; if none is requested, the id of the default pipeline."""
    requested = view.json("ScheduleConfig").get("PipelineId") or view.parameters.get("PipelineId")
    return str(requested or stable_id("pipeline"))


def priority(view: JobView) -> int:
    """Return the priority of the job: the requested one if it is from 1 to 10, otherwise 6."""
    requested = str(view.json("ScheduleConfig").get("Priority"))
    return int(requested) if requested in PRIORITIES else 6


def schedule(view: JobView) -> Fields:
    """Return the fields with the pipeline and the priority of the job."""
    return {"PipelineId": pipeline(view), "Priority": priority(view)}


def oss_location(view: JobView, address: str) -> Fields:
    """
    Return the bucket, the location and the key of a file.

    :param address: The URL of an OSS object, or the id of a media asset. The file of a media asset is in a
        bucket of the service.
    """
    bucket, key = split_oss(address) or (f"outin-{stable_id('bucket')}", address)
    return {"Bucket": bucket, "Location": f"oss-{view.region}", "Object": key}


def media_file(config: Fields, *names: str) -> Fields:
    """
    Return the type and the URL (or media asset id) of an input or output file.

    :param config: The parsed parameter that describes the file.
    :param names: Fields of the parameter that are also returned if their values are strings.
    """
    in_bucket = f"oss://{config['Bucket']}/{config['Object']}" if config.get("Bucket") and config.get("Object") else ""
    known = {"Type": str(config.get("Type") or "OSS"), "Media": str(config.get("Media") or in_bucket)}
    return {**known, **{name: config[name] for name in names if isinstance(config.get(name), str)}}


def file_in(name: str, *names: str) -> Field:
    """Return a function that returns the file in a JSON parameter; see :func:`media_file`."""
    return lambda view: media_file(view.json(name), *names)


def located_file_in(name: str) -> Field:
    """Return a function that returns the file in a JSON parameter, with its location in OSS."""

    def file(view: JobView) -> Fields:
        found = media_file(view.json(name))
        return {**found, "OssFile": oss_location(view, found["Media"])}

    return file


def objects(value: Any) -> list[Fields]:
    """
    Return the objects in a JSON array.

    An empty object replaces each item that is not an object. If the value is not an array, the list is empty.
    """
    return [as_object(item) for item in value] if isinstance(value, list) else []


def without(value: Any, paths: Iterable[str]) -> Any:
    """
    Return a JSON value without the fields at the given paths. In a list, the paths apply to each item.

    :param paths: The paths, each with the names of nested fields separated by dots, such as ``Input.OssFile``.
    """
    if isinstance(value, list):
        return [without(item, paths) for item in value]
    if not isinstance(value, dict):
        return value
    steps = [path.partition(".") for path in paths]
    hidden = {first for first, _, rest in steps if not rest}
    return {
        name: without(item, [rest for first, _, rest in steps if first == name and rest])
        for name, item in value.items()
        if name not in hidden
    }
