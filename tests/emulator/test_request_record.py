"""The record of the requests has a limit in bytes and is returned in pages."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from support.emulated import GOOD_REQUESTS, SignedClient
from support.unusual import Application, form_request

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.state import requests as requests_module
from airflow_provider_ims.emulator.state.requests import MAX_BYTES

AUDIO, LIST = "SubmitAudioProduceJob", "ListSmartJobs"
#: A text of 10,000 Chinese characters, which is 90 kB in a query, and a text of 1 MB.
LARGE = ("新" * 10_000, "x" * 2**20)


@pytest.mark.slow
def test_the_record_of_300_large_submit_requests_stays_below_its_limit(tmp_path: Path) -> None:
    application = Application(tmp_path / "state.db")
    try:
        asyncio.run(_submit(application, 300))
        records = application.requests()
        assert sum(len(json.dumps(record)) for record in records) <= MAX_BYTES
        assert 30 < len(records) < 300
        job_ids = [job.job_id for job in application.store.jobs()]
        assert [record["job_id"] for record in records] == job_ids[-len(records) :]
        assert application.store.requests.counts() == {AUDIO: {"200": 300}}
    finally:
        application.close()
    restarted = Application(tmp_path / "state.db")
    assert restarted.requests() == records
    restarted.close()


async def _submit(application: Application, count: int) -> None:
    for number in range(count):
        parameters = {**GOOD_REQUESTS[AUDIO], "InputConfig": LARGE[number % 2]}
        response = await application(form_request(AUDIO, "2020-11-09", parameters))
        assert response.status == 200, response


def test_the_client_returns_the_requests_of_all_pages(
    emulator: ImsEmulator, send: SignedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests_module, "PAGE_BYTES", 1)
    for number in range(3):
        send(LIST, {"MaxResults": str(number + 1)}, method="GET")
        send("GetSmartHandleJob", {"JobId": "unusual"})
    assert len(emulator.requests()) == 6
    assert [request["parameters"]["MaxResults"] for request in emulator.requests(LIST)] == ["1", "2", "3"]
    assert emulator.requests("SubmitASRJob") == []
