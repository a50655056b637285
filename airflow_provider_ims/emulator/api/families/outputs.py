"""Finds media assets that jobs have produced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.messages import load
from airflow_provider_ims.emulator.api.model import Fields, JobView, Product
from airflow_provider_ims.emulator.state.store import Phase

_URLS = ("MediaURL", "MediaUrl", "OutputUrl", "FileURL", "FileUrl", "SourceURL", "UploadURL")


def output_of(product: Product, jobs: Jobs, media_id: str) -> Fields | None:
    """
    Return the fields of the media asset that a job of the product has produced.

    :return: The field ``InputURL``; None if no successful job in the region has an output with this id.
    """
    for job in reversed(jobs.store.jobs()):
        view = jobs.view(job)
        is_of_product = view.kind.family.product is product
        if is_of_product and job.region == jobs.region and view.phase is Phase.SUCCEEDED:
            for found in _objects(_content(view)):
                if found.get("MediaId") == media_id and (url := next(filter(None, map(found.get, _URLS)), None)):
                    return {"InputURL": str(url)}
    return None


def _content(view: JobView) -> list[Any]:
    kind = view.kind
    parts = [kind.parts.render(view, part) for part in view.parts()] if kind.parts else []
    return [{**kind.family.render(view), **kind.render(view), **kind.accepted(view), **kind.result(view)}, *parts]


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield all objects in a JSON value, including objects in strings that contain JSON."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            value = load(value)
        except ValueError:
            return
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)
