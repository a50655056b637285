"""Local fakes of the sources of temporary credentials: STS, the ECS metadata service and a credentials URI."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from airflow_provider_ims.emulator import StsCredential

METADATA_HOST = "100.100.100.200"
METADATA_TOKEN = "metadata-token"
ROLES = "/latest/meta-data/ram/security-credentials/"
Answer = tuple[int, Any]


@dataclass
class CredentialSources:
    """
    A server that implements all sources; the path or the action of a request identifies the source.

    :param credential: The credential that the server returns.
    :param keys: Secrets by AccessKey ID or public key ID.
    :param oidc_token: The token that AssumeRoleWithOIDC accepts.
    :param role: The role of the ECS instance.
    :param refusal: Status and body of an error that the server returns for all requests.
    """

    credential: StsCredential
    keys: dict[str, str] = field(default_factory=dict)
    oidc_token: str = "oidc-token"
    role: str = "machine-role"
    refusal: Answer | None = None
    received: list[SimpleNamespace] = field(default_factory=list)
    port: int = 0

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answer(self, request: SimpleNamespace) -> Answer:
        self.received.append(request)
        if self.refusal is not None:
            return self.refusal
        action = request.query.get("Action")
        if action in ("AssumeRole", "GenerateSessionAccessKey"):
            return self._signed(request) or self._from_sts(action)
        if action == "AssumeRoleWithOIDC":
            if request.query["OIDCToken"] != self.oidc_token:
                return _error(401, "AuthenticationFail.OIDCToken.Invalid")
            return self._from_sts(action)
        if request.path == "/latest/api/token" and request.method == "PUT":
            return 200, METADATA_TOKEN
        if request.path.startswith(ROLES):
            if request.headers.get("x-aliyun-ecs-metadata-token") != METADATA_TOKEN:
                return 403, ""
            name = request.path.removeprefix(ROLES)
            return (200, self.role) if not name else (200, self._plain()) if name == self.role else (404, "")
        return (200, self._plain()) if request.path == "/credentials" else (404, "")

    def _signed(self, request: SimpleNamespace) -> Answer | None:
        """Check a signature as https://help.aliyun.com/document_detail/28761.html specifies."""
        given = dict(request.query)
        signature = given.pop("Signature")
        secret = self.keys.get(given["AccessKeyId"])
        if secret is None:
            return _error(404, "InvalidAccessKeyId.NotFound")
        canonical = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in sorted(given.items()))
        text = f"{request.method}&{_encode('/')}&{_encode(canonical)}"
        digest = hmac.new(f"{secret}&".encode(), text.encode(), hashlib.sha1).digest()
        if base64.b64encode(digest).decode() != signature:
            return _error(400, "SignatureDoesNotMatch", f"server string to sign is:{text}")
        return None

    def _from_sts(self, action: str) -> Answer:
        if action == "GenerateSessionAccessKey":
            named = {f"Session{name}": value for name, value in self._plain().items() if name.startswith("AccessKey")}
            return 200, {"SessionAccessKey": {**named, "Expiration": self._plain()["Expiration"]}}
        return 200, {"Credentials": self._plain()}

    def _plain(self) -> dict[str, str]:
        ends = self.credential.expires or time.time() + 3600
        return {
            "Code": "Success",
            "AccessKeyId": self.credential.access_key_id,
            "AccessKeySecret": self.credential.access_key_secret,
            "SecurityToken": self.credential.security_token,
            "Expiration": datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    @contextmanager
    def serving(self, tls: tuple[str, str] | None = None) -> Iterator[CredentialSources]:
        """
        Serve on a free port of this machine.

        :param tls: Paths of a certificate and its key.
        """
        server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self))
        server.daemon_threads = True
        if tls is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        self.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(sources: CredentialSources) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            # Requests to a proxy contain the complete URL.
            url = urlsplit(self.path)
            status, body = sources.answer(
                SimpleNamespace(
                    method=self.command,
                    host=url.hostname,
                    path=url.path,
                    query=dict(parse_qsl(url.query, keep_blank_values=True)),
                    headers={name.lower(): value for name, value in self.headers.items()},
                )
            )
            content = (body if isinstance(body, str) else json.dumps(body)).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    return Handler


def _error(status: int, code: str, message: str = "") -> Answer:
    return status, {"RequestId": "R", "Code": code, "Message": message}


def _encode(text: str) -> str:
    return quote(text, safe="~")
