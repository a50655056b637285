"""The FastAPI application with the media pages, which Airflow's API server mounts."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Annotated, Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.utils.session import create_session
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException as StarletteHTTPException

from airflow_provider_ims._config import MEDIA_PAGES
from airflow_provider_ims.exceptions import ImsError, ImsResourceNotFoundError
from airflow_provider_ims.hooks._settings import Settings
from airflow_provider_ims.media._pages import (
    JOBS_OF_TASK,
    PAGE_SIZE,
    Paging,
    TaskEntry,
    connected_hook,
    render,
    task_entry,
    view_of,
)
from airflow_provider_ims.media._records import Key, TaskRecord, read_run, read_task
from airflow_provider_ims.media._results import JobRecord
from airflow_provider_ims.media._signing import playable_address, poster_address, read_subtitles
from airflow_provider_ims.media._view import MediaFile

HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    # From version 3.4, Airflow's UI shows the page of a task in a frame.
    "x-frame-options": "SAMEORIGIN",
}


def _check_enabled() -> None:
    if not MEDIA_PAGES.get():
        raise HTTPException(404, "The media pages are disabled by the option [ims] media_pages of the API server.")


#: A user who has permission to read the XComs of a DAG can see the output of its tasks.
router = APIRouter(dependencies=[Depends(_check_enabled), Depends(requires_access_dag("GET", DagAccessEntity.XCOM))])

Page = Annotated[int, Query(ge=1, le=100_000)]
Index = Annotated[int, Query(ge=0)]


def _task(
    dag_id: str, run_id: str, task_id: str, map_index: Annotated[int, Query(ge=-1, le=2**31 - 1)] = -1
) -> TaskRecord:
    with create_session() as session:
        task = read_task(session, Key(dag_id, run_id, task_id, map_index))
    if task is None:
        raise HTTPException(404, "This URL does not identify a task with readable data for the media pages.")
    return task


Task = Annotated[TaskRecord, Depends(_task)]


def _job(task: Task, job: Index = 0) -> JobRecord:
    if task.problem:
        raise HTTPException(502, task.problem)
    found = task.results.jobs(job // PAGE_SIZE * PAGE_SIZE, PAGE_SIZE)
    if job % PAGE_SIZE >= len(found):
        raise HTTPException(404, "The task has not recorded this job.")
    return found[job % PAGE_SIZE]


Job = Annotated[JobRecord, Depends(_job)]


@router.get("/media/dags/{dag_id}")
def show_run(request: Request, dag_id: str, run_id: str, page: Page = 1) -> HTMLResponse:
    """Show the output of the tasks of a DAG run."""
    with create_session() as session:
        tasks, total = read_run(session, dag_id, run_id, (page - 1) * PAGE_SIZE, PAGE_SIZE)
    paging = _paging(page, total)
    entries = [task_entry(task, 0, JOBS_OF_TASK) for task in tasks]
    return _page("run.html", request, entries, dag_id=dag_id, run_id=run_id, tasks=entries, paging=paging)


@router.get("/media/dags/{dag_id}/task")
def show_task(request: Request, task: Task, page: Page = 1) -> HTMLResponse:
    """Show the output of the jobs of a task."""
    paging = _paging(page, task.results.total)
    entry = task_entry(task, paging.start, PAGE_SIZE)
    return _page("task.html", request, [entry], task=entry, paging=paging)


def _paging(page: int, total: int) -> Paging:
    paging = Paging(page, total)
    if page > paging.last:
        raise HTTPException(404, f"There is no page {page:,}, because the last page is {paging.last:,}.")
    return paging


def _file(task: TaskRecord, job: JobRecord, item: str) -> MediaFile:
    file = view_of(task, job).file(item)
    if file is None:
        raise HTTPException(404, "The task has not recorded this file.")
    return file


@router.get("/media/dags/{dag_id}/file")
def open_file(task: Task, job: Job, item: str, poster: bool = False) -> Response:
    """Redirect to the URL at which a browser can open a recorded file, or its poster if ``poster`` is true."""
    file = _file(task, job, item)
    hook = connected_hook(task)
    address = poster_address(hook, file) if poster else playable_address(hook, file)
    # A video without a poster is not an error.
    return Response(status_code=204) if address is None else RedirectResponse(address, 302)


@router.get("/media/dags/{dag_id}/subtitles")
def show_subtitles(task: Task, job: Job, item: str) -> PlainTextResponse:
    """Return the text of a recorded subtitle file."""
    return PlainTextResponse(read_subtitles(connected_hook(task), _file(task, job, item)))


@router.get("/media/dags/{dag_id}/text")
def download_text(task: Task, job: Job, number: Index | None = None) -> PlainTextResponse:
    """Return one of the texts of a job in full; without ``number``, return the fields in ``JobView.rest`` as JSON."""
    view = view_of(task, job)
    if number is None:
        text = json.dumps(view.rest, ensure_ascii=False, indent=2)
    elif number < len(view.texts):
        text = view.texts[number]
    else:
        raise HTTPException(404, "The task has not recorded this text.")
    name = f"job-{job.index}.json.txt" if number is None else f"job-{job.index}-text-{number}.txt"
    return PlainTextResponse(text, headers={"content-disposition": f'attachment; filename="{name}"'})


def _page(template: str, request: Request, shown: Iterable[TaskEntry], **values: Any) -> HTMLResponse:
    settings = [task.settings for task in shown if task.settings is not None]
    page = render(template, str(request.scope.get("root_path", "")), **values)
    return HTMLResponse(page, headers={"content-security-policy": _policy(settings)})


def _policy(settings: Iterable[Settings] = ()) -> str:
    """
    Return the Content-Security-Policy of a page.

    The host of a file is known only when the file is opened. Therefore, the policy allows media from any host over
    HTTPS, and from the endpoints in Airflow connections whose ``protocol`` is ``http``.
    """
    endpoints = {f"http://{host}" for one in settings if one.protocol == "http" for host in one.endpoints.values()}
    media = " ".join(["'self'", "https:", *sorted(endpoints)])
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        f"img-src {media}; media-src {media}; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )


async def _add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in {**HEADERS, "content-security-policy": _policy()}.items():
        response.headers.setdefault(name, value)
    return response


def _show_error(request: Request, status: int, message: str, headers: Any = None) -> Response:
    root = str(request.scope.get("root_path", ""))
    return HTMLResponse(render("error.html", root, status=status, message=message), status, headers)


async def _show_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, StarletteHTTPException)
    return _show_error(request, error.status_code, str(error.detail), error.headers)


async def _show_ims_error(request: Request, error: Exception) -> Response:
    # A permission error concerns the connection, not the user of the page, so the status is 502 instead of 403.
    return _show_error(request, 404 if isinstance(error, ImsResourceNotFoundError) else 502, str(error))


def create_app() -> FastAPI:
    """Return the application."""
    app = FastAPI(openapi_url=None, title="Media of IMS and VOD")
    app.include_router(router)
    app.mount("/media/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.middleware("http")(_add_headers)
    app.add_exception_handler(StarletteHTTPException, _show_http_error)
    app.add_exception_handler(ImsError, _show_ims_error)
    return app
