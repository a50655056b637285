from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from support.media_pages import Recorder, log_in, media_client

if TYPE_CHECKING:
    from fastapi.testclient import TestClient


@pytest.fixture(scope="package")
def anonymous(airflow_db: None) -> Iterator[TestClient]:
    """Yield a client without a session."""
    with media_client() as client:
        yield client


@pytest.fixture
def client(anonymous: TestClient) -> Iterator[TestClient]:
    """Yield a client with the session of an administrator."""
    log_in(anonymous)
    yield anonymous
    anonymous.cookies.clear()


@pytest.fixture
def recorder(airflow_db: None, request: pytest.FixtureRequest) -> Iterator[Recorder]:
    """Yield a recorder with a DAG run of this test."""
    with Recorder(f"dag.{request.node.name.partition('[')[0]}") as recorder:
        yield recorder
