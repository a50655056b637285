"""Presigned URLs; the tests of the media pages open them."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import unquote, urlsplit

import pytest

from airflow_provider_ims.exceptions import ImsError, ImsRequestError
from airflow_provider_ims.hooks._oss import presign
from airflow_provider_ims.hooks.ims import ImsHook

BUCKET = "http://your-bucket.oss-cn-shanghai.aliyuncs.com"


def sign(address: str) -> str:
    """Presign an address with the connection ``oss``."""
    key = unquote(urlsplit(address).path.removeprefix("/"))
    return presign(ImsHook("oss").settings, address, "your-bucket", key, timedelta(hours=1))


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (f"{BUCKET}/a%20b/%E4%BA%91.mp4", "your-bucket.oss-cn-shanghai.aliyuncs.com"),
        ("https://your-bucket.oss-cn-beijing-internal.aliyuncs.com/a.mp4", "your-bucket.oss-cn-beijing.aliyuncs.com"),
        ("oss://your-bucket/a.mp4", "your-bucket.oss-cn-hangzhou.aliyuncs.com"),
    ],
)
def test_a_presigned_url_has_the_public_endpoint_of_its_region(
    address: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_OSS", "alibabacloud-ims://key:canary-secret@/?region_id=cn-hangzhou&security_token=token"
    )
    signed = sign(address)
    parts = urlsplit(signed)
    assert (parts.scheme, parts.netloc) == ("https", host)
    assert "canary-secret" not in signed
    if "%20" in address:
        assert parts.path == "/a%20b/%E4%BA%91.mp4"


def test_a_connection_without_keys_cannot_sign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OSS", "alibabacloud-ims://?region_id=cn-hangzhou&bearer_token=token")
    with pytest.raises(ImsError, match="cannot presign"):
        sign("oss://your-bucket/a.mp4")


@pytest.mark.parametrize(
    "connection",
    [
        "region_id=cn-hangzhou&credentials_uri=http%3A%2F%2F127.0.0.1%3A1%2F",
        "region_id=cn-hangzhou&credential_type=ecs_ram_role",
    ],
)
def test_credentials_that_cannot_be_obtained_are_reported(connection: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OSS", f"alibabacloud-ims://?{connection}")
    with pytest.raises(ImsError, match="credentials"):
        sign("oss://your-bucket/a.mp4")


@pytest.mark.parametrize("key", ["?a", "#a", "a b", "\0", "../a", "//"])
def test_an_unusual_key_is_the_path_of_the_url(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OSS", "alibabacloud-ims://key:secret@/?region_id=cn-hangzhou")
    parts = urlsplit(presign(ImsHook("oss").settings, f"{BUCKET}/a", "your-bucket", key, timedelta(hours=1)))
    assert parts.netloc == "your-bucket.oss-cn-shanghai.aliyuncs.com"
    assert unquote(parts.path) == f"/{key}"
    assert parts.path.isprintable()
    assert "x-oss-signature=" in parts.query


@pytest.mark.parametrize("key", ["", "a" * 5000, "\ud800"])
def test_a_key_that_is_not_valid_is_rejected(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OSS", "alibabacloud-ims://key:secret@/?region_id=cn-hangzhou")
    with pytest.raises(ImsRequestError, match="oss://your-bucket/a cannot be presigned"):
        presign(ImsHook("oss").settings, "oss://your-bucket/a", "your-bucket", key, timedelta(hours=1))


def test_only_the_host_of_an_address_determines_the_region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_OSS", "alibabacloud-ims://key:secret@/?region_id=cn-hangzhou")
    signed = sign("oss://your-bucket/b.oss-cn-beijing.aliyuncs.com/a.mp4")
    assert urlsplit(signed).netloc == "your-bucket.oss-cn-hangzhou.aliyuncs.com"
