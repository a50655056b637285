from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.job import Job

#: The example responses from the API documentation, verbatim.
ANSWERS = Path(__file__).parent / "answers"


class Answering:
    """A hook that returns one response body and records the calls."""

    def __init__(self, body: Any) -> None:
        self.body = body
        self.calls: list[tuple[str, dict[str, Any], dict[str, Any]]] = []

    def call(self, action: str, params: Mapping[str, Any], **options: Any) -> Any:
        self.calls.append((action, dict(params), options))
        if isinstance(self.body, Exception):
            raise self.body
        return self.body


@pytest.fixture(scope="session")
def answering() -> type[Answering]:
    return Answering


@pytest.fixture(scope="session")
def shown() -> Callable[[str], dict[str, Any]]:
    """Return a function that reads an example response from the API documentation."""

    def shown(name: str) -> dict[str, Any]:
        body: dict[str, Any] = json.loads((ANSWERS / f"{name}.json").read_text(encoding="utf-8"))
        return body

    return shown


@pytest.fixture(scope="session")
def query() -> Callable[..., dict[str, Job]]:
    """Return a function that queries jobs of a family and receives a given response body."""

    def query(family: JobFamily, body: Any, *job_ids: str) -> dict[str, Job]:
        return family.query(Answering(body), list(job_ids))  # type: ignore[arg-type]

    return query
