"""The HTTP protocol of the server: uvicorn's protocol, with error responses in the format of the services."""

from __future__ import annotations

import asyncio
import sys
from http import HTTPStatus
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from airflow_provider_ims.emulator.api.errors import ApiError
from airflow_provider_ims.emulator.server.encoding import rejection

MAX_REQUEST_LINE = 2**20
"""
The maximum size of the request line and the headers, in bytes.

The SDKs send parameters in the query string, in which 10,000 Chinese characters take 90 kB.
"""

LINGER = 2.0
"""Seconds without data from the client after which the server closes the connection of a rejected request."""


class Protocol(H11Protocol):
    """Rejects malformed requests, and passes the transport to the application, which can close the connection."""

    closing: ClassVar[asyncio.Event]
    close_later: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # uvicorn's access log would contain the URLs of requests with a V1 signature, and thus credentials. It is
        # disabled here because Airflow's logging configuration overrides uvicorn's option ``access_log``.
        self.access_log = False
        self.app_state = {**self.app_state, "transport": transport}
        if self.closing.is_set():
            # This connection was accepted while the server was closing the others.
            transport.abort()

    def data_received(self, data: bytes) -> None:
        if self.close_later is None:
            super().data_received(data)
        else:
            self._linger()

    def send_400_response(self, msg: str) -> None:
        self._linger()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE) or (self.cycle and self.cycle.response_started):
            # Part of another response has been sent, so an error response cannot follow.
            self.transport.close()
            return
        error = _error(sys.exception(), self.conn.trailing_data[0])
        body, headers = rejection(error)
        headers |= {"content-length": str(len(body)), "connection": "close"}
        events = (
            h11.Response(
                status_code=error.status, headers=list(headers.items()), reason=HTTPStatus(error.status).phrase
            ),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        # If the connection were closed while the client is sending, the client could not read the response.
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def _linger(self) -> None:
        if self.close_later is not None:
            self.close_later.cancel()
        self.close_later = self.loop.call_later(LINGER, self.transport.close)


def make_protocol(closing: asyncio.Event) -> type[Protocol]:
    """
    Return the protocol class of one emulator.

    :param closing: An event that is set when the emulator is being stopped.
    """
    return type("EmulatorProtocol", (Protocol,), {"closing": closing})


def _error(cause: BaseException | None, buffered: bytes) -> ApiError:
    if getattr(cause, "error_status_hint", 400) != HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE:
        return ApiError("InvalidRequest", f"{cause}.")
    code = "RequestHeaderFieldsTooLarge" if b"\n" in buffered else "RequestURITooLong"
    return ApiError(code, f"The limit is {MAX_REQUEST_LINE} bytes.")
