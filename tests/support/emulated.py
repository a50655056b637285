"""Requests to the emulator without the provider's hooks and without the SDK."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import JobKind, key_of
from airflow_provider_ims.emulator.api.operations import ACTIONS
from airflow_provider_ims.emulator.api.parameters import check_parameters
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.settings import Settings
from airflow_provider_ims.emulator.state.clock import JobClock
from airflow_provider_ims.emulator.state.store import Job, Store
from support.waiting import CEILING

VOD_ACTIONS = ("SubmitAIImageJob", "GetAIImageJobs", "ListAIImageInfo")

#: A valid request for each of four job kinds.
GOOD_REQUESTS: dict[str, dict[str, str]] = {
    "SubmitTextGenerateJob": {
        "Type": "MarketingCopy",
        "GenerateConfig": '{"keywords":"new cake shop, real cream","textLength":100,"targetCount":3}',
    },
    "SubmitAudioProduceJob": {
        "EditingConfig": '{"voice":"Siqi","format":"MP3","volume":50}',
        "OutputConfig": '{"bucket":"your-bucket","object":"your-audio"}',
        "InputConfig": "Talking about it, he is now popular. Tickets are expensive!",
    },
    "SubmitBatchMediaProducingJob": {
        "InputConfig": '{"MediaGroupArray":[{"GroupName":"one","MediaArray":["m1","m2"]}]}',
        "OutputConfig": '{"MediaURL":"http://b.oss-cn-shanghai.aliyuncs.com/v_{index}.mp4","Count":3,"MaxDuration":15}',
    },
    "SubmitAIImageJob": {"VideoId": "video-1", "AITemplateId": "template-1"},
}


class _Client:
    """
    A client with an AccessKey pair.

    :param endpoint: Host and port of the emulator.
    :param key_id: The AccessKey ID.
    :param secret: The AccessKey secret.
    """

    def __init__(self, endpoint: str, key_id: str = "LTAI-ims-emulator", secret: str = "ims-emulator-secret") -> None:
        self.endpoint = endpoint
        self.key_id = key_id
        self.secret = secret


class SignedClient(_Client):
    """Signs requests with the V3 signature according to its documentation, and sends them."""

    @classmethod
    def of(cls, emulator: ImsEmulator) -> SignedClient:
        """Return a client with the first AccessKey pair of an emulator."""
        return cls(emulator.endpoint, emulator.access_key_id, emulator.access_key_secret)

    def __call__(
        self,
        action: str,
        parameters: dict[str, str] | None = None,
        *,
        form: dict[str, str] | None = None,
        method: str = "POST",
        path: str = "/",
        version: str | None = None,
        key_id: str | None = None,
        secret: str | None = None,
        token: str | None = None,
        headers: Mapping[str, str | None] | None = None,
        unsigned: tuple[str, ...] = (),
        body: bytes | None = None,
    ) -> tuple[int, Any]:
        """
        Send a request and return the status and body of the response.

        :param headers: Headers to set before signing; None removes a header.
        :param unsigned: Headers that are not signed.
        :param body: The body to send instead of the signed form.
        """
        signed_body = urlencode(form).encode() if form else b""
        all_headers: dict[str, str | None] = {
            "host": self.endpoint,
            "x-acs-action": action,
            "x-acs-version": version or ("2017-03-21" if action in VOD_ACTIONS else "2020-11-09"),
            "x-acs-date": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "x-acs-signature-nonce": uuid.uuid4().hex,
            "x-acs-content-sha256": hashlib.sha256(signed_body).hexdigest(),
            **({"content-type": "application/x-www-form-urlencoded"} if form else {}),
            **({"x-acs-security-token": token, "x-acs-accesskey-id": key_id} if token else {}),
            **(headers or {}),
        }
        sent = {name: value for name, value in all_headers.items() if value is not None}
        signed = sorted(name for name in sent if name not in unsigned)
        query = "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in sorted((parameters or {}).items()))
        lines = "".join(f"{name}:{sent[name]}\n" for name in signed)
        digest = sent.get("x-acs-content-sha256", "")
        canonical = "\n".join((method, path, query, lines, ";".join(signed), digest))
        text = f"ACS3-HMAC-SHA256\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new((secret or self.secret).encode(), text.encode(), hashlib.sha256).hexdigest()
        sent.setdefault(
            "authorization",
            f"ACS3-HMAC-SHA256 Credential={key_id or self.key_id},"
            f"SignedHeaders={';'.join(signed)},Signature={signature}",
        )
        return send(self.endpoint, method, f"{path}?{query}", signed_body if body is None else body, sent)


class V1Client(_Client):
    """Signs requests with the V1 signature according to its documentation, and sends them."""

    def __call__(
        self,
        action: str,
        parameters: Mapping[str, str | None] | None = None,
        *,
        form: dict[str, str] | None = None,
        method: str = "POST",
        secret: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[int, Any]:
        """
        Send a request and return the status and body of the response.

        :param parameters: Query parameters, which override the common parameters; None removes a parameter.
        :param form: Parameters in the body.
        """
        common: dict[str, str | None] = {
            "AccessKeyId": self.key_id,
            "Action": action,
            "Format": "JSON",
            "SignatureMethod": "HMAC-SHA1",
            "SignatureNonce": uuid.uuid4().hex,
            "SignatureVersion": "1.0",
            "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Version": "2017-03-21" if action in VOD_ACTIONS else "2020-11-09",
            **(parameters or {}),
        }
        query = {name: value for name, value in common.items() if value is not None}
        pairs = "&".join(f"{_percent(k)}={_percent(v)}" for k, v in sorted({**query, **(form or {})}.items()))
        text = f"{method}&%2F&{_percent(pairs)}"
        digest = hmac.new(f"{secret or self.secret}&".encode(), text.encode(), hashlib.sha1).digest()
        query.setdefault("Signature", base64.b64encode(digest).decode())
        body = urlencode(form).encode() if form else b""
        sent = {**({"content-type": "application/x-www-form-urlencoded"} if form else {}), **(headers or {})}
        return send(self.endpoint, method, f"/?{urlencode(query)}", body, sent)


def _percent(text: str) -> str:
    return quote(text, safe="~")


def send(endpoint: str, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
    """Send a request and return the status and the body of the response, which is parsed if it is JSON."""
    response, content = exchange(endpoint, method, target, body, headers)
    is_json = response.getheader("content-type", "").startswith("application/json")
    return response.status, json.loads(content) if is_json else content


def exchange(
    endpoint: str, method: str, target: str, body: bytes, headers: Mapping[str, str]
) -> tuple[http.client.HTTPResponse, bytes]:
    """Send a request and return the response and its body."""
    host, port = endpoint.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=CEILING)
    try:
        connection.request(method, target, body=body, headers=dict(headers))
        response = connection.getresponse()
        return response, response.read()
    finally:
        connection.close()


@contextmanager
def open_jobs(settings: Settings | None = None) -> Iterator[Jobs]:
    """Open the job store of an emulator with a manual clock, without a server."""
    store = Store()
    try:
        yield Jobs(store, JobClock("manual"), settings or Settings())
    finally:
        store.close()


def submitted(jobs: Jobs, key: str, parameters: dict[str, str]) -> Job:
    """Submit a job and return it."""
    return jobs.submit(JOB_KINDS[key], check_parameters(JOB_KINDS[key].parameters, parameters))


def response_of(jobs: Jobs, action: str, parameters: dict[str, str]) -> Any:
    """Return the response to an action."""
    return ACTIONS[action].respond(jobs, check_parameters(ACTIONS[action].parameters, parameters)).content


def queried(jobs: Jobs, job: Job) -> Any:
    """Return the response to a query for a job."""
    family = JOB_KINDS[job.action].family
    query = key_of(family.query, family.product.version)
    return response_of(jobs, query, {family.id_parameter: job.job_id, **family.fixed_parameters})


def add_jobs(emulator: ImsEmulator, kind: JobKind, parameters: dict[str, str], seconds: list[float]) -> list[str]:
    """Add jobs to an emulator and return their ids. If requests contain the job id, each job gets a different id."""
    if not kind.job_id_parameter:
        return list(emulator.add_jobs(kind.key, parameters, seconds))
    named = [{**parameters, kind.job_id_parameter: f"{kind.key}-{number}"} for number in range(len(seconds))]
    return [emulator.add_jobs(kind.key, one, [end])[0] for one, end in zip(named, seconds, strict=True)]
