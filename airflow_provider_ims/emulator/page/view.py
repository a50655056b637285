"""The content of the page as tables, independent of HTML."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from airflow_provider_ims.emulator.api.files import addresses_of
from airflow_provider_ims.emulator.api.messages import shorten
from airflow_provider_ims.emulator.api.model import JobView
from airflow_provider_ims.emulator.api.signing import URL_SECONDS, signed_url
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.control.service import EmulatedService
from airflow_provider_ims.emulator.state.clock import iso
from airflow_provider_ims.emulator.state.store import Filter, Job, Phase

MAX_ROWS = 100
"""The maximum number of rows in each table of the page."""
NEWEST = f"newest first, at most {MAX_ROWS}"

MAX_VALUES = 12
"""The maximum number of parameters or options in a cell."""
MAX_FILES = 3
"""The maximum number of links to the files of a job."""


class Cell(NamedTuple):
    """
    A cell of a table.

    :param style: The CSS class of its text; empty for ordinary text.
    :param links: The links to show before the text, as (link text, URL) pairs.
    """

    text: str
    style: str = ""
    links: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Table:
    """
    A table of the page.

    :param name: Its heading.
    :param heads: The headings of its columns.
    :param note: A remark beside the heading.
    """

    name: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    note: str = ""


@dataclass(frozen=True)
class View:
    """
    The content of the page.

    :param properties: The lines above the tables: name -> value.
    """

    properties: Mapping[str, str]
    tables: Sequence[Table]


def view_of(service: EmulatedService) -> View:
    """Return the current content of the page."""
    clock = service.clock
    properties = {"region": service.settings.region_id, "job clock": f"{_text_of(clock.now())} ({clock.mode})"}
    return View(properties, [_faults(service), _jobs(service), _queues(service), _requests(service)])


def _jobs(service: EmulatedService) -> Table:
    newest = Filter(actions=tuple(JOB_KINDS))
    jobs = service.store.page(newest, now=service.clock.now(), newest_first=True, limit=MAX_ROWS)
    heads = ("job id", "kind", "region", "state", "created", "ends", "error", "files")
    return Table("Jobs", heads, [_job_row(service, job) for job in jobs], NEWEST)


def _job_row(service: EmulatedService, job: Job) -> list[Cell]:
    view = service.jobs.view(job)
    return [
        Cell(job.job_id, "code"),
        Cell(job.action),
        Cell(job.region),
        Cell(shorten(view.state), view.phase.name.lower()),
        moment(job.created),
        moment(job.ends),
        Cell(shorten(job.error_code or "") if view.phase is Phase.FAILED else ""),
        _files(view),
    ]


def _files(view: JobView) -> Cell:
    """
    Return a cell with links to the first files of a job.

    The signed URLs change only once an hour. The page is updated every second, and a section is replaced if it has
    changed. With new URLs each time, the section would be replaced every second.
    """
    addresses = addresses_of(view)
    expires = (time.time() // URL_SECONDS + 2) * URL_SECONDS
    links = [
        (shorten(address.rpartition("/")[2]), signed_url(address, view.settings, view.region, expires=expires))
        for address in addresses[:MAX_FILES]
    ]
    more = len(addresses) - len(links)
    return Cell(f"and {more} more" if more else "", links=links)


def _requests(service: EmulatedService) -> Table:
    heads = ("time", "action", "response", "faults", "parameters")
    records = service.store.requests.newest(MAX_ROWS)
    return Table("Requests", heads, [_request_row(record) for record in records], NEWEST)


def _request_row(record: Mapping[str, Any]) -> list[Cell]:
    status = record["status"]
    response = "no response" if status is None else f"{status} {shorten(record['error_code'] or '')}"
    return [
        moment(record["time"]),
        Cell(shorten(record["action"]) or "-"),
        Cell(response, "succeeded" if status in (200, 201, 204) else "failed"),
        Cell(", ".join(record["faults"])),
        Cell(_pairs(record["parameters"]), "code"),
    ]


def _queues(service: EmulatedService) -> Table:
    heads = ("name", "region", "visible", "received", "delayed")
    queues = [service.describe_queue(queue) for queue in service.store.queues.queues()[:MAX_ROWS]]
    return Table("Queues", heads, [[Cell(shorten(value)) for value in queue.values()] for queue in queues])


def _faults(service: EmulatedService) -> Table:
    heads = ("action", "fault", "requests left", "share", "options")
    faults = service.faults.describe()[-MAX_ROWS:]
    return Table("Faults", heads, [_fault_row(fault) for fault in faults])


def _fault_row(fault: Mapping[str, Any]) -> list[Cell]:
    remaining = "until cleared" if fault["remaining"] is None else str(fault["remaining"])
    options = {name: value for name, value in fault["options"].items() if value is not None}
    texts = (fault["action"], fault["kind"], remaining, f"{fault['share']:g}")
    return [*(Cell(text) for text in texts), Cell(_pairs(options), "code")]


def _pairs(values: Mapping[str, Any]) -> str:
    shown = [f"{shorten(name)}={shorten(value)}" for name, value in list(values.items())[:MAX_VALUES]]
    return " ".join(shown) + (" ..." if len(values) > MAX_VALUES else "")


def moment(seconds: float) -> Cell:
    """Return a cell that contains a time, given in epoch seconds."""
    return Cell(_text_of(seconds), "time")


def _text_of(seconds: float) -> str:
    try:
        return iso(seconds)
    except (OverflowError, ValueError):
        return "after the year 9999"
