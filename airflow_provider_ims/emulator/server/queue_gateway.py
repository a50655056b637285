"""Processes requests to SMQ: verifies their signatures, runs the actions, and waits for messages."""

from __future__ import annotations

import time
import uuid
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.api.messages import ApiResponse, parse_pairs
from airflow_provider_ims.emulator.api.queue_actions import PREFIX, QUEUE_ACTIONS, RECEIVES, QueueAction, QueueCall
from airflow_provider_ims.emulator.api.queue_errors import as_queue_error, error_body, queue_error, unknown_parameter
from airflow_provider_ims.emulator.api.regions import REGIONS, region_of_host
from airflow_provider_ims.emulator.control.faults import ConnectionCutError, Exchange
from airflow_provider_ims.emulator.server.encoding import XML_TYPE
from airflow_provider_ims.emulator.server.processor import ClientGone, Processor, new_record
from airflow_provider_ims.emulator.server.queue_signature import QueueRequest, verify
from airflow_provider_ims.emulator.server.verifier import Verifier

VERSION = "2015-06-06"


class QueueGateway:
    """
    Processes requests to SMQ.

    :param processor: The object that processes the requests to all services.
    :param verifier: The object that provides the secrets of the accepted credentials.
    """

    def __init__(self, processor: Processor, verifier: Verifier) -> None:
        self._processor = processor
        self._verifier = verifier
        self._service = processor.service

    async def handle(self, request: QueueRequest, scheme: str, client_gone: ClientGone) -> ApiResponse | None:
        """
        Process a request and return the response; None if the connection must be closed without a response.

        :param scheme: The scheme of the request's URL: ``http`` or ``https``.
        :param client_gone: A function that waits until the client has closed its connection.
        """
        request_id = uuid.uuid4().hex[:24].upper()
        host = request.headers.get("host", "")
        path, _, query_string = request.target.partition("?")
        segments = unquote(path).strip("/").split("/")[1:]
        call = QueueCall(
            queues=self._service.queues,
            queue_name=segments[0] if segments else "",
            query=_query(query_string),
            headers=request.headers,
            body=request.body,
            url=f"{scheme}://{host}",
        )
        name = _action_of(request.method, segments, call)
        exchange = Exchange(
            action=f"{PREFIX}{name}",
            ram_action=f"mns:{name}",
            record=_record(request, request_id, f"{PREFIX}{name}", call),
            jobs=self._service.jobs,
        )
        response = await self._processor.process(
            exchange,
            lambda exchange: self._respond(request, call, exchange),
            lambda error: _error_response(as_queue_error(error), request_id, host),
            client_gone,
        )
        if response is not None:
            content_type = {"content-type": XML_TYPE} if response.content else {}
            common = {"date": formatdate(usegmt=True), "x-mns-request-id": request_id, "x-mns-version": VERSION}
            response.headers = {**common, **content_type, **response.headers}
        return response

    async def _respond(self, request: QueueRequest, call: QueueCall, exchange: Exchange) -> ApiResponse:
        action = QUEUE_ACTIONS.get(exchange.action)
        if action is None:
            raise queue_error("InvalidRequestURL")
        exchange.record["access_key_id"] = verify(request, self._verifier.secret)
        region = region_of_host(request.headers.get("host", "")) or self._service.settings.region_id
        if region not in REGIONS:
            raise queue_error("InvalidRequestURL")
        exchange.record["region"] = region
        call.queues = self._service.queues.in_region(region)
        await self._processor.inject_faults(exchange, after=False)
        if exchange.response is None:
            if unknown := set(call.query) - action.query:
                raise unknown_parameter(min(unknown))
            exchange.response = await _run(action, call, exchange)
            exchange.received = call.received
            await self._processor.inject_faults(exchange, after=True)
        return exchange.response


async def _run(action: QueueAction, call: QueueCall, exchange: Exchange) -> ApiResponse:
    end = time.monotonic() + (call.wait_seconds if exchange.action in RECEIVES else 0)
    while True:
        try:
            return action.respond(call)
        except ApiError as error:
            remaining = end - time.monotonic()
            if error.code != "MessageNotExist" or remaining <= 0:
                raise
        now = call.queues.now()
        visible = call.queues.table.next_visible(call.queue, now)
        seconds = remaining if visible is None else min(remaining, visible - now)
        # A client that has closed its connection must not receive messages.
        if not await exchange.wait(call.queues.table.change(call.queue), seconds):
            raise ConnectionCutError


def _action_of(method: str, segments: list[str], call: QueueCall) -> str:
    """Return the action that a method and the segments of a path identify; empty if there is no such action."""
    names: dict[str, str] = {}
    if not segments:
        names = {"GET": "ListQueue"}
    elif len(segments) == 1:
        is_change = call.query.get("metaoverride", "").lower() == "true"
        put = "SetQueueAttributes" if is_change else "CreateQueue"
        names = {"PUT": put, "GET": "GetQueueAttributes", "DELETE": "DeleteQueue"}
    elif segments[1:] == ["messages"]:
        get = "Peek" if call.query.get("peekonly", "").lower() == "true" else "Receive"
        names = {
            "GET": f"{'Batch' if 'numofmessages' in call.query else ''}{get}Message",
            "POST": f"{'Batch' if b'<Messages' in call.body else ''}SendMessage",
            "DELETE": f"{'Batch' if call.body and 'receipthandle' not in call.query else ''}DeleteMessage",
            "PUT": "ChangeMessageVisibility",
        }
    return names.get(method, "")


def _query(text: str) -> dict[str, str]:
    try:
        return {name.lower(): value for name, value in parse_pairs(text)}
    except ValueError:
        # The request is then rejected, because no action accepts a parameter with this name.
        return {text: ""}


def _record(request: QueueRequest, request_id: str, action: str, call: QueueCall) -> dict[str, Any]:
    names = {"QueueName": call.queue_name} if call.queue_name else {}
    return new_record(
        request_id=request_id,
        method=request.method,
        action=action,
        version=VERSION,
        parameters={**names, **call.query},
        in_query=sorted(call.query),
    )


def _error_response(error: ApiError, request_id: str, host: str) -> ApiResponse:
    return ApiResponse(error.status, error_body(error, request_id, host), dict(error.headers), error_code=error.code)
