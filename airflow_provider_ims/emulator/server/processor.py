"""Processes the requests to all services: injects faults, returns error responses, and records each request."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.messages import ApiResponse, shorten
from airflow_provider_ims.emulator.control.faults import FAULT_KINDS, ConnectionCutError, Exchange
from airflow_provider_ims.emulator.control.service import EmulatedService

log = logging.getLogger("airflow_provider_ims.emulator")

ClientGone = Callable[[], Awaitable[object]]
"""A function that waits until the client has closed its connection."""


class Processor:
    """
    Processes the requests to one emulator.

    :param service: The state of the emulator.
    """

    def __init__(self, service: EmulatedService) -> None:
        self.service = service
        self.closing = asyncio.Event()

    async def process(
        self,
        exchange: Exchange,
        respond: Callable[[Exchange], Awaitable[ApiResponse]],
        reject: Callable[[ApiError], ApiResponse],
        client_gone: ClientGone,
    ) -> ApiResponse | None:
        """
        Process a request and return the response; None if the connection must be closed without a response.

        :param respond: A function that runs the action and returns its response.
        :param reject: A function that returns the response for an error.
        :param client_gone: A function that waits until the client has closed its connection.
        """
        record = exchange.record
        exchange.wait = lambda event, seconds: self._wait(exchange, client_gone, event, seconds)
        response: ApiResponse | None
        try:
            response = await respond(exchange)
        except ApiError as error:
            response = reject(error)
        except ConnectionCutError:
            response = None
        except Exception:
            log.exception("The emulator failed to process %s", exchange.action)
            response = reject(ApiError("InternalError"))
        if response is not None:
            record["status"], record["error_code"] = response.status, response.error_code
        # Store the record before the client receives the response, so that no answered request is missing from the
        # records if the emulator is killed.
        self._store(exchange)
        if log.isEnabledFor(logging.INFO):
            log.info("%s", _log_line(record))
        return response

    async def inject_faults(self, exchange: Exchange, *, after: bool) -> None:
        """
        Inject the faults that affect a request.

        :param after: Whether to inject the faults that take effect after the action, instead of the faults
            that take effect before it.
        :raises ApiError: If a fault causes an error response.
        :raises ConnectionCutError: If a fault cuts the connection. Also raised if the client disconnects or the
            emulator is stopped while a fault delays the request.
        """
        for fault in self.service.faults.due(exchange.action, after=after):
            kind = FAULT_KINDS[fault.kind]
            if not kind.is_rate_limit:
                exchange.record["faults"].append(fault.kind)
            effect = kind.effect(exchange, fault)
            if inspect.isawaitable(effect):
                await effect

    async def _wait(
        self, exchange: Exchange, client_gone: ClientGone, event: asyncio.Event | None, seconds: float | None
    ) -> bool:
        # Store the record before the wait, so that the request is counted. Commit the changes that the request has
        # made, so that a rejected control command, which rolls back all uncommitted changes, cannot undo them.
        if exchange.seq is None:
            self._store(exchange)
        else:
            self.service.store.commit()
        waits = (client_gone(), self.closing.wait(), (event or self.service.faults.released).wait())
        gone, closing, _ = tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return not gone.done() and not closing.done()
        finally:
            for task in tasks:
                task.cancel()

    def _store(self, exchange: Exchange) -> None:
        store = self.service.store
        if exchange.seq is None:
            exchange.seq = store.requests.add(exchange.record)
        else:
            store.requests.update(exchange.seq, exchange.record)
        store.commit()


def new_record(**values: Any) -> dict[str, Any]:
    """
    Return the record of a request that has no response yet.

    :param values: Fields of the record that replace the defaults.
    """
    record = {
        "time": time.time(),
        "request_id": "",
        "method": "",
        "action": "",
        "version": "",
        "region": None,
        "parameters": {},
        "in_query": [],
        "in_body": [],
        "access_key_id": None,
        "status": None,
        "error_code": None,
        "job_id": None,
        "faults": [],
    }
    return {**record, **values}


def _log_line(record: dict[str, Any]) -> str:
    parameters = " ".join(f"{name}={shorten(value)}" for name, value in record["parameters"].items())
    outcome = [str(record["status"] or "cut")]
    outcome += [f"{name}={record[name]}" for name in ("error_code", "job_id") if record[name]]
    outcome += [f"fault={kind}" for kind in record["faults"]]
    return f"{record['action'] or '-'} {parameters} -> {' '.join(outcome)}"
