"""Processes requests to IMS and VOD: verifies their signatures, checks their parameters, and runs the actions."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_ims.emulator.api.errors import ApiError, invalid, missing
from airflow_provider_ims.emulator.api.keys import undocumented_keys
from airflow_provider_ims.emulator.api.known_actions import KNOWN_ACTIONS
from airflow_provider_ims.emulator.api.messages import ApiRequest, ApiResponse
from airflow_provider_ims.emulator.api.model import PRODUCTS, key_of
from airflow_provider_ims.emulator.api.operations import ACTIONS, Action
from airflow_provider_ims.emulator.api.parameters import check_parameters
from airflow_provider_ims.emulator.api.regions import REGION_PARAMETER, region_of
from airflow_provider_ims.emulator.control.faults import Exchange
from airflow_provider_ims.emulator.server.encoding import new_request_id
from airflow_provider_ims.emulator.server.processor import ClientGone, Processor, new_record
from airflow_provider_ims.emulator.server.verifier import Verifier

log = logging.getLogger("airflow_provider_ims.emulator")

# Credentials and signatures are not recorded. The region is a separate field of the record.
UNRECORDED_PARAMETERS = frozenset(
    {"AccessKeyId", "AuthKey", "BearerToken", "SecurityToken", "Signature", REGION_PARAMETER}
)


class Gateway:
    """
    Processes requests to IMS and VOD.

    :param processor: The object that processes the requests to all services.
    :param verifier: The object that verifies the signatures of the requests.
    """

    def __init__(self, processor: Processor, verifier: Verifier) -> None:
        self.service = processor.service
        self._processor = processor
        self._verifier = verifier

    async def handle(self, request: ApiRequest, client_gone: ClientGone) -> ApiResponse | None:
        """
        Process a request and return the response; None if the connection must be closed without a response.

        :param client_gone: A function that waits until the client has closed its connection.
        """
        request_id = new_request_id()
        product = PRODUCTS.get(request.version)
        exchange = Exchange(
            action=key_of(request.action, request.version),
            ram_action=f"{product.ram_code if product else ''}:{request.action}",
            record=_record(request, request_id),
            jobs=self.service.jobs,
        )
        response = await self._processor.process(
            exchange,
            lambda exchange: self._respond(request, exchange),
            lambda error: _error_response(error, request, request_id),
            client_gone,
        )
        if response is not None:
            response.headers.setdefault("x-acs-request-id", request_id)
        return response

    async def _respond(self, request: ApiRequest, exchange: Exchange) -> ApiResponse:
        record = exchange.record
        action = _find_action(request)
        if not (action.anonymous and request.is_unsigned):
            record["access_key_id"] = self._verifier.verify(request)
        record["region"] = region_of(request, self.service.settings.region_id)
        await self._processor.inject_faults(exchange, after=False)
        if exchange.response is not None:
            return exchange.response
        parameters = check_parameters(action.parameters, request.parameters())
        self._check_keys(exchange.action, parameters)
        response = action.respond(self.service.jobs.in_region(record["region"]), parameters)
        record["job_id"] = response.job_id
        response.content = {"RequestId": record["request_id"], **response.content}
        exchange.response = response
        await self._processor.inject_faults(exchange, after=True)
        return exchange.response

    def _check_keys(self, action: str, parameters: Mapping[str, str]) -> None:
        """Log undocumented keys in JSON parameters, or reject the request if the setting ``strict`` is on."""
        if unknown := undocumented_keys(action, parameters):
            if self.service.settings.strict:
                raise invalid(unknown[0], "The key is not documented.")
            log.warning("%s: ignored keys that are not documented: %s", action, ", ".join(unknown))


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


def _record(request: ApiRequest, request_id: str) -> dict[str, Any]:
    parameters = {name: value for name, value in request.parameters().items() if name not in UNRECORDED_PARAMETERS}
    return new_record(
        request_id=request_id,
        method=request.method,
        action=request.action,
        version=request.version,
        parameters=parameters,
        in_query=sorted({name for name, _ in request.query} & set(parameters)),
        in_body=sorted({name for name, _ in request.form} & set(parameters)),
    )
