"""Holds the pollers and the queue readers of each event loop."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TypeAlias
from weakref import WeakKeyDictionary

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._waiting.hook_resolver import HookResolver
from airflow_provider_ims._waiting.poller import Poller
from airflow_provider_ims._waiting.queue_reader import QueueReader
from airflow_provider_ims.hooks._registry import hook_class_of
from airflow_provider_ims.hooks.smq import SmqHook

#: (family, connection, region) -> poller.
_Pollers: TypeAlias = "dict[tuple[str, str | None, str | None], Poller]"
#: (connection, region) -> reader.
_Readers: TypeAlias = "dict[tuple[str | None, str | None], QueueReader]"
_pollers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Pollers] = WeakKeyDictionary()
_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Readers] = WeakKeyDictionary()


def poller_for(family: JobFamily, ims_conn_id: str | None, region_id: str | None) -> Poller:
    """Return the poller of a job family, a connection and a region in the running event loop."""
    pollers = _pollers.setdefault(asyncio.get_running_loop(), {})
    key = (family.name, ims_conn_id, region_id)
    if key not in pollers:
        new_hook = partial(hook_class_of(family.product), ims_conn_id=ims_conn_id, region_id=region_id)
        pollers[key] = Poller(family, new_hook, ims_conn_id, partial(reader_for, ims_conn_id, region_id))
    return pollers[key]


def reader_for(ims_conn_id: str | None, region_id: str | None) -> QueueReader:
    """
    Return the reader of a connection and a region in the running event loop.

    The pollers of all job families share this reader.
    """
    readers = _readers.setdefault(asyncio.get_running_loop(), {})
    key = (ims_conn_id, region_id)
    if key not in readers:
        readers[key] = QueueReader(HookResolver(partial(SmqHook, ims_conn_id, region_id)), ims_conn_id or "")
    return readers[key]
