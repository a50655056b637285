"""The fixture ``queue_emulator``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from airflow_provider_ims._events import consumer, outage

if TYPE_CHECKING:
    from airflow_provider_ims.emulator import ImsEmulator


@pytest.fixture
def queue_emulator(ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> ImsEmulator:
    """Shorten the requests and pauses of queue consumers, and return the emulator."""
    # A closed trigger waits for its last request, because it releases the messages that this request receives.
    monkeypatch.setattr(consumer, "LONG_POLL", 1)
    monkeypatch.setattr(consumer, "MAX_RELEASE_DELAY", 1)
    monkeypatch.setattr(outage, "MAX_PAUSE", 0.05)
    return ims_emulator
