"""The objects in OSS: the access to them, and their content."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.message import Message
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import alibabacloud_oss_v2 as oss
import pytest
from PIL import Image
from support.emulated import SignedClient, exchange
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.signing import signed_url
from airflow_provider_ims.emulator.media.formats import make

AUDIO, BATCH, IMAGE = "SubmitAudioProduceJob", "SubmitBatchMediaProducingJob", "SubmitAIImageJob"
SNAPSHOT = "SubmitSnapshotJob"
BUCKET, KEY = "your-bucket", "voice/新店 1.wav"
SPEECH = {
    "EditingConfig": '{"voice":"Siqi","format":"WAV"}',
    "OutputConfig": json.dumps({"bucket": BUCKET, "object": KEY.removesuffix(".wav")}),
    "InputConfig": "新店今天开业。",
}


class ObjectResponse(NamedTuple):
    status: int
    headers: Message
    body: bytes

    @property
    def error(self) -> dict[str, str | None]:
        root = ElementTree.fromstring(self.body)
        assert root.tag == "Error"
        return {child.tag: child.text for child in root}


def get(url: str, method: str = "GET", **headers: str) -> ObjectResponse:
    request = urllib.request.Request(url, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=CEILING) as response:
            return ObjectResponse(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return ObjectResponse(error.code, error.headers, error.read())


@pytest.fixture
def sign(emulator: ImsEmulator) -> Callable[..., str]:
    """Return a function that signs URLs as the services do."""
    return partial(signed_url, settings=replace(emulator.settings, public_url=emulator.url), region="cn-shanghai")


@pytest.fixture
def job_id(emulator: ImsEmulator, submit: Callable[..., str]) -> str:
    """Return a finished job whose output is a WAV file."""
    job_id = submit(AUDIO, **SPEECH)
    emulator.finish(job_id)
    return job_id


@pytest.fixture
def client(emulator: ImsEmulator) -> Callable[..., oss.Client]:
    """Return a function that returns a client of OSS."""

    def client(**credentials: Any) -> oss.Client:
        config = oss.config.load_default()
        config.endpoint, config.region = emulator.url, "cn-shanghai"
        config.signature_version = credentials.pop("version", "v4")
        keys = {"access_key_id": emulator.access_key_id, "access_key_secret": emulator.access_key_secret, **credentials}
        config.credentials_provider = oss.credentials.StaticCredentialsProvider(**keys)
        config.retry_max_attempts = 1
        return oss.Client(config)

    return client


@pytest.fixture
def presign(client: Callable[..., oss.Client]) -> Callable[..., str]:
    """Return a function that returns the presigned URL of an object."""

    def presign(key: str = KEY, *, bucket: str = BUCKET, seconds: float = 60, **options: Any) -> str:
        request = oss.GetObjectRequest(bucket=bucket, key=key, **options.pop("request", {}))
        url = client(**options).presign(request, expires=timedelta(seconds=seconds)).url
        assert url
        return url

    return presign


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_a_presigned_url_returns_the_output_of_a_job(job_id: str, presign: Callable[..., str], version: str) -> None:
    answer = get(presign(version=version))
    assert answer.status == 200
    assert answer.headers["content-type"] == "audio/wav"
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["etag"] == f'"{hashlib.md5(answer.body).hexdigest().upper()}"'
    assert answer.headers["last-modified"].endswith(" GMT")
    assert answer.body[:4] == b"RIFF"


@pytest.mark.parametrize("version", ["v1", "v4"])
def test_temporary_credentials_can_sign(job_id: str, presign: Callable[..., str], version: str) -> None:
    keys = {"access_key_id": "STS.key", "access_key_secret": "sts-secret", "version": version}
    assert get(presign(security_token="sts-token", **keys)).status == 200
    old = {"access_key_id": "STS.old", "access_key_secret": "old-secret", "security_token": "old-token"}
    for credential in ({**keys, "security_token": "other"}, {**old, "version": version}):
        answer = get(presign(**credential))
        assert (answer.status, answer.error["Code"]) == (403, "SecurityTokenExpired")


def test_a_client_reads_an_object_with_a_signature_in_the_headers(
    job_id: str, client: Callable[..., oss.Client]
) -> None:
    result = client().get_object(oss.GetObjectRequest(bucket=BUCKET, key=KEY))
    assert result.body is not None
    assert result.body.read()[:4] == b"RIFF"
    head = client().head_object(oss.HeadObjectRequest(bucket=BUCKET, key=KEY))
    assert head.content_length == int(result.content_length or 0) > 1_000
    with pytest.raises(oss.exceptions.OperationError, match="SignatureDoesNotMatch"):
        client(access_key_secret="wrong").get_object(oss.GetObjectRequest(bucket=BUCKET, key=KEY))


def test_an_override_of_the_content_type_is_signed(job_id: str, presign: Callable[..., str]) -> None:
    for version in ("v1", "v4"):
        url = presign(version=version, request={"response_content_type": "text/plain"})
        assert get(url).headers["content-type"] == "text/plain"
        assert get(url.replace("text", "type")).error["Code"] == "SignatureDoesNotMatch"


@pytest.mark.parametrize("version", ["v1", "v4"])
@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.replace("voice/", "voice%2Fother/"),
        lambda url: url.replace("your-bucket", "my-bucket"),
        lambda url: url.replace("ignature=", "ignature=A"),
        lambda url: url.replace("xpires=", "xpires=1"),
    ],
)
def test_a_changed_address_is_rejected(
    job_id: str, presign: Callable[..., str], version: str, change: Callable[[str], str]
) -> None:
    url = presign(version=version)
    assert change(url) != url
    answer = get(change(url))
    assert answer.status in (400, 403)
    assert answer.error["Code"] in ("AuthorizationQueryParametersError", "SignatureDoesNotMatch")
    assert answer.headers["content-type"] == "application/xml"


def test_a_presigned_url_is_valid_for_one_method(job_id: str, presign: Callable[..., str]) -> None:
    assert get(presign(), "HEAD").status == 403


def test_an_expired_address_is_rejected(job_id: str, presign: Callable[..., str], sign: Callable[..., str]) -> None:
    for url in (
        presign(seconds=-1, version="v1"),
        sign(f"oss://{BUCKET}/{KEY}", expires=time.time() - 1),
    ):
        answer = get(url)
        assert (answer.status, answer.error["Code"], answer.error["Message"]) == (
            403,
            "AccessDenied",
            "Request has expired.",
        )
    assert get(presign(seconds=0)).status == 400


@pytest.mark.parametrize(
    "query", ["", "?Expires=9999999999", "?x-oss-signature-version=OSS4-HMAC-SHA256", "?Signature=x&Expires=x"]
)
def test_an_address_without_a_complete_signature_is_rejected(emulator: ImsEmulator, job_id: str, query: str) -> None:
    answer = get(f"{emulator.url}/{BUCKET}/key.wav{query}")
    assert answer.status in (400, 403)
    assert answer.error["Code"] in ("AccessDenied", "AuthorizationQueryParametersError", "InvalidArgument")


def test_an_unknown_access_key_is_rejected(job_id: str, presign: Callable[..., str]) -> None:
    for version in ("v1", "v4"):
        answer = get(presign(access_key_id="other", version=version))
        assert (answer.status, answer.error["Code"]) == (403, "InvalidAccessKeyId")


def test_an_object_that_no_job_has_created_does_not_exist(
    emulator: ImsEmulator, submit: Callable[..., str], presign: Callable[..., str]
) -> None:
    job_id = submit(AUDIO, **SPEECH)
    answer = get(presign())
    assert (answer.status, answer.error["Code"], answer.error["Key"]) == (404, "NoSuchKey", KEY)
    emulator.finish(job_id)
    assert get(presign()).status == 200
    assert get(presign("other.wav")).status == 404
    emulator.fail(submit(AUDIO, **SPEECH))
    assert get(presign()).status == 200, "an earlier job created the object"
    emulator.reset()
    assert get(presign()).status == 404


def test_only_the_videos_of_a_batch_that_succeeded_exist(
    emulator: ImsEmulator, submit: Callable[..., str], presign: Callable[..., str]
) -> None:
    output = {"MediaURL": "oss://videos/v_{index}.mp4", "Count": 3, "Width": 64, "Height": 36, "MaxDuration": 1}
    job_id = submit(BATCH, OutputConfig=json.dumps(output))
    emulator.fail_videos(job_id, 1)
    emulator.finish(job_id)
    assert [get(presign(f"v_{n}.mp4", bucket="videos")).status for n in range(4)] == [404, 200, 200, 404]


def test_a_range_of_an_object_can_be_read(job_id: str, presign: Callable[..., str]) -> None:
    url = presign()
    whole = get(url).body
    size = len(whole)
    for header, start, end in (
        ("bytes=0-", 0, size),
        ("bytes=0-0", 0, 1),
        ("bytes=100-199", 100, 200),
        (f"bytes={size - 5}-", size - 5, size),
        ("bytes=-10", size - 10, size),
        ("bytes=0-9,20-29", 0, 10),
    ):
        answer = get(url, range=header)
        assert (answer.status, answer.body) == (206, whole[start:end]), header
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert answer.headers["content-length"] == str(end - start)


@pytest.mark.parametrize(
    "header", ["bytes=10000000-", "bytes=0-10000000", "bytes=5-4", "bytes=-", "byte=0-1", "bytes=x-y"]
)
def test_an_invalid_range_returns_the_whole_object(job_id: str, presign: Callable[..., str], header: str) -> None:
    answer = get(presign(), range=header)
    assert answer.status == 200
    assert "content-range" not in answer.headers


def test_the_standard_behaviour_of_ranges_can_be_requested(job_id: str, client: Callable[..., oss.Client]) -> None:
    def read(header: str) -> bytes:
        request = oss.GetObjectRequest(bucket=BUCKET, key=KEY, range_header=header, range_behavior="standard")
        body = client().get_object(request).body
        assert body is not None
        return bytes(body.read())

    assert len(read("bytes=10-10000000")) == len(read("bytes=0-")) - 10
    with pytest.raises(oss.exceptions.OperationError, match="InvalidRange"):
        read("bytes=10000000-")


def test_an_object_that_the_client_has_cached_is_not_sent_again(job_id: str, presign: Callable[..., str]) -> None:
    url = presign()
    answer = get(url, **{"if-none-match": get(url).headers["etag"]})
    assert (answer.status, answer.body) == (304, b"")


def test_the_services_return_signed_urls_of_images(
    emulator: ImsEmulator, submit: Callable[..., str], query: Callable[..., Any]
) -> None:
    emulator.finish(submit(IMAGE))
    infos = query("ListAIImageInfo", VideoId="video-1")["AIImageInfoList"]
    contents = set()
    for info in infos:
        answer = get(info["FileURL"])
        assert (answer.status, answer.headers["content-type"]) == (200, "image/gif")
        contents.add(answer.body)
        assert Image.open(io.BytesIO(answer.body)).size[0] > 0
        assert get(info["FileURL"].partition("?")[0]).status == 403
    assert len(contents) == len(infos) == 3


def submit_snapshots(send: SignedClient, **changes: Any) -> str:
    wanted = {"Count": 12, "Width": 32, "Height": 16, **changes}
    parameters = {
        "Input": json.dumps({"Type": "OSS", "Media": "oss://in/a.mp4"}),
        "Output": json.dumps({"Type": "OSS", "Media": "oss://out/s-{Count}.jpg"}),
        "TemplateConfig": json.dumps({"TemplateId": "t", "OverwriteParams": wanted}),
    }
    status, body = send(SNAPSHOT, parameters)
    assert status == 200
    return str(body["JobId"])


def test_the_snapshots_of_a_job_are_listed_in_pages(
    emulator: ImsEmulator, send: SignedClient, query: Callable[..., Any]
) -> None:
    job_id = submit_snapshots(send)
    assert query("GetSnapshotUrls", JobId=job_id)["SnapshotUrls"] == []
    emulator.finish(job_id)
    first = query("GetSnapshotUrls", JobId=job_id)
    assert (first["Total"], len(first["SnapshotUrls"])) == (12, 10)
    rest = query("GetSnapshotUrls", JobId=job_id, PageNumber="2")["SnapshotUrls"]
    names = [urlsplit(url).path for url in (*first["SnapshotUrls"], *rest)]
    assert names == [f"/out.oss-cn-shanghai.aliyuncs.com/s-{number:05}.jpg" for number in range(1, 13)]
    newest = query("GetSnapshotUrls", JobId=job_id, OrderBy="Desc", PageSize="1")["SnapshotUrls"]
    assert urlsplit(newest[0]).path == names[-1]
    answer = get(rest[0])
    assert Image.open(io.BytesIO(answer.body)).size == (32, 16)


def test_a_parameter_defines_how_long_the_urls_of_snapshots_are_valid(
    emulator: ImsEmulator, send: SignedClient, query: Callable[..., Any]
) -> None:
    job_id = submit_snapshots(send, Type="WebVtt")
    emulator.finish(job_id)
    body = query("GetSnapshotUrls", JobId=job_id, Timeout="129600")
    (expires,) = parse_qs(urlsplit(body["SnapshotUrls"][0]).query)["Expires"]
    assert int(expires) > time.time() + 129_000
    assert get(body["WebVTTUrl"]).body.startswith(b"WEBVTT")
    status, error = send("GetSnapshotUrls", {"JobId": job_id, "Timeout": "129601"})
    assert (status, error["Code"]) == (400, "InvalidParameter")


def test_the_services_sign_addresses_of_files_that_no_job_has_created(sign: Callable[..., str]) -> None:
    answer = get(sign("oss://mine/uploads/a%20b.png"))
    assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
    assert "last-modified" not in answer.headers
    for address in ("http://cdn.example.com/a.mp4", "media-id", ""):
        assert sign(address) == address


def test_a_public_url_replaces_the_url_of_the_server() -> None:
    with ImsEmulator(public_url="https://emulator.test/ims/") as emulator:
        send = SignedClient.of(emulator)
        body = send(IMAGE, {"VideoId": "v", "AITemplateId": "t"})[1]
        emulator.finish(body["JobId"])
        (first, *_) = send("ListAIImageInfo", {"VideoId": "v"})[1]["AIImageInfoList"]
        assert first["FileURL"].startswith("https://emulator.test/ims/outin-")
        assert get(first["FileURL"].replace("https://emulator.test/ims", emulator.url)).status == 200


def test_a_format_that_the_emulator_cannot_create_is_an_error(
    sign: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = get(sign("oss://mine/a.zip"))
    assert (answer.status, answer.error["Code"]) == (501, "EmulatorNotImplemented")
    make.cache_clear()
    monkeypatch.setitem(sys.modules, "av", None)
    answer = get(sign("oss://mine/a.mp4"))
    assert (answer.status, answer.error["Code"]) == (501, "EmulatorNotImplemented")
    assert "pip install 'airflow-provider-ims[media-files]'" in str(answer.error["Message"])


def test_requests_for_objects_are_not_recorded_unlike_requests_to_the_api(
    emulator: ImsEmulator, job_id: str, presign: Callable[..., str]
) -> None:
    recorded = len(emulator.requests())
    get(presign())
    assert len(emulator.requests()) == recorded
    for method, target, headers in (
        ("GET", "/bucket/key", {"x-acs-action": "ListSmartJobs"}),
        ("POST", "/bucket/key", {}),
        ("GET", "/bucket", {}),
        ("GET", "/bucket/", {}),
    ):
        response, _ = exchange(emulator.endpoint, method, target, b"", headers)
        assert response.getheader("content-type", "").startswith(("application/json", "text/xml"))
    assert len(emulator.requests()) == recorded + 4
