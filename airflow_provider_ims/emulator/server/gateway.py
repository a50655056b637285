"""Processes a request: verifies its signature, injects faults, checks parameters, runs the action, and records it."""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from airflow_provider_ims.emulator.api.errors import ApiError, invalid, missing
from airflow_provider_ims.emulator.api.keys import undocumented_keys
from airflow_provider_ims.emulator.api.known_actions import KNOWN_ACTIONS
from airflow_provider_ims.emulator.api.messages import ApiRequest, ApiResponse, shorten
from airflow_provider_ims.emulator.api.model import PRODUCTS, key_of
from airflow_provider_ims.emulator.api.operations import ACTIONS, Action
from airflow_provider_ims.emulator.api.parameters import check_parameters
from airflow_provider_ims.emulator.api.regions import REGION_PARAMETER, region_of
from airflow_provider_ims.emulator.control.faults import FAULT_KINDS, ConnectionCutError, Exchange
from airflow_provider_ims.emulator.control.service import EmulatedService
from airflow_provider_ims.emulator.server.encoding import new_request_id
from airflow_provider_ims.emulator.server.verifier import Verifier

log = logging.getLogger("airflow_provider_ims.emulator")

# Credentials are not recorded. The region is a separate field of the record.
UNRECORDED_PARAMETERS = frozenset(
    {"AccessKeyId", "AuthKey", "BearerToken", "SecurityToken", "Signature", REGION_PARAMETER}
)


class Gateway:
    """
    Processes requests to an emulated service.

    :param service: The service.
    """

    def __init__(self, service: EmulatedService) -> None:
        settings = service.settings
        self.service = service
        self.closing = asyncio.Event()
        self.verifier = Verifier(settings.access_keys, settings.sts_tokens, settings.bearer_tokens)

    async def handle(self, request: ApiRequest, client_gone: Callable[[], Awaitable[object]]) -> ApiResponse | None:
        """
        Return the response to a request, or None if the connection is cut.

        :param client_gone: Waits until the client has closed its connection.
        """
        request_id = new_request_id()
        record = _new_record(request, request_id)
        seq: int | None = None

        async def hang(seconds: float | None) -> bool:
            # Hanging requests are counted too.
            nonlocal seq
            seq = self._store_record(record, seq)
            return await self._hang(seconds, client_gone)

        exchange = Exchange(request, self.service.jobs, hang)
        response: ApiResponse | None
        try:
            response = await self._process(exchange, record)
        except ApiError as error:
            response = _error_response(error, request, request_id)
        except ConnectionCutError:
            response = None
        except Exception:
            log.exception("The emulator failed to process %s", request.action)
            response = _error_response(ApiError("InternalError"), request, request_id)
        if response is not None:
            response.headers.setdefault("x-acs-request-id", request_id)
            record["status"], record["error_code"] = response.status, response.error_code
        # Stored before the client receives the response, so that the record survives if the emulator is killed.
        self._store_record(record, seq)
        if log.isEnabledFor(logging.INFO):
            log.info("%s", _log_line(record))
        return response

    async def _process(self, exchange: Exchange, record: dict[str, Any]) -> ApiResponse:
        request = exchange.request
        action = _find_action(request)
        if not (action.anonymous and request.is_unsigned):
            record["access_key_id"] = self.verifier.verify(request)
        record["region"] = region_of(request, self.service.settings.region_id)
        await self._inject_faults(exchange, record, after=False)
        if exchange.response is not None:
            return exchange.response
        parameters = check_parameters(action.parameters, request.parameters())
        self._check_keys(key_of(request.action, request.version), parameters)
        response = action.respond(self.service.jobs.in_region(record["region"]), parameters)
        record["job_id"] = response.job_id
        response.content = {"RequestId": record["request_id"], **response.content}
        exchange.response = response
        await self._inject_faults(exchange, record, after=True)
        return exchange.response

    def _check_keys(self, action: str, parameters: Mapping[str, str]) -> None:
        """Log the undocumented keys in JSON parameters; with the setting ``strict``, reject the request."""
        if unknown := undocumented_keys(action, parameters):
            if self.service.settings.strict:
                raise invalid(unknown[0], "The key is not documented.")
            log.warning("%s: ignored keys that are not documented: %s", action, ", ".join(unknown))

    async def _inject_faults(self, exchange: Exchange, record: dict[str, Any], *, after: bool) -> None:
        key = key_of(exchange.request.action, exchange.request.version)
        for fault in self.service.faults.due(key, after=after):
            kind = FAULT_KINDS[fault.kind]
            if not kind.is_rate_limit:
                record["faults"].append(fault.kind)
            effect = kind.effect(exchange, fault)
            if inspect.isawaitable(effect):
                await effect

    def _store_record(self, record: dict[str, Any], seq: int | None) -> int:
        store = self.service.store
        if seq is None:
            seq = store.requests.add(record)
        else:
            store.requests.update(seq, record)
        store.commit()
        return seq

    async def _hang(self, seconds: float | None, client_gone: Callable[[], Awaitable[object]]) -> bool:
        waits = (client_gone(), self.closing.wait(), self.service.faults.released.wait())
        gone, closing, _ = tasks = [asyncio.ensure_future(wait) for wait in waits]
        try:
            await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return not gone.done() and not closing.done()
        finally:
            for task in tasks:
                task.cancel()


def _find_action(request: ApiRequest) -> Action:
    names = ("Action", "Version") if request.is_v1 else ("x-acs-action", "x-acs-version")
    for name, value in zip(names, (request.action, request.version), strict=True):
        if not value:
            raise missing(name)
    if request.method not in ("GET", "POST"):
        raise ApiError("UnsupportedHTTPMethod")
    product = PRODUCTS.get(request.version)
    if product is None:
        raise ApiError("InvalidVersion")
    action = ACTIONS.get(key_of(request.action, request.version))
    if request.path == "/" and action is not None and action.product is product:
        return action
    if request.path == "/" and request.action in KNOWN_ACTIONS[request.version]:
        raise ApiError("EmulatorNotImplemented", f"{request.action} of {product.ram_code.upper()}")
    raise ApiError("InvalidAction.NotFound")


def _error_response(error: ApiError, request: ApiRequest, request_id: str) -> ApiResponse:
    product = PRODUCTS.get(request.version)
    body = error.body(request_id=request_id, host=request.host, product=product.name if product else "")
    return ApiResponse(error.status, body, dict(error.headers), error_code=error.code)


def _new_record(request: ApiRequest, request_id: str) -> dict[str, Any]:
    parameters = {name: value for name, value in request.parameters().items() if name not in UNRECORDED_PARAMETERS}
    return {
        "time": time.time(),
        "request_id": request_id,
        "method": request.method,
        "action": request.action,
        "version": request.version,
        "region": None,
        "parameters": parameters,
        "in_query": sorted({name for name, _ in request.query} & set(parameters)),
        "in_body": sorted({name for name, _ in request.form} & set(parameters)),
        "access_key_id": None,
        "status": None,
        "error_code": None,
        "job_id": None,
        "faults": [],
    }


def _log_line(record: dict[str, Any]) -> str:
    parameters = " ".join(f"{name}={shorten(value)}" for name, value in record["parameters"].items())
    outcome = [str(record["status"] or "cut")]
    outcome += [f"{name}={record[name]}" for name in ("error_code", "job_id") if record[name]]
    outcome += [f"fault={kind}" for kind in record["faults"]]
    return f"{record['action'] or '-'} {parameters} -> {' '.join(outcome)}"
