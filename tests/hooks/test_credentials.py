from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alibabacloud_ice20201109.models import ListSmartJobsRequest
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator, StsCredential
from airflow_provider_ims.exceptions import ImsCredentialsError
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook

STS = {"login": "STS.key", "password": "sts-secret", "security_token": "sts-token"}
CALL = """
from airflow_provider_ims.exceptions import ImsError
from airflow_provider_ims.hooks.ims import ImsHook
try:
    print("answered", ImsHook().call("ListSmartJobs", {})["SmartJobList"])
except ImsError as error:
    print(f"{type(error).__name__}: {error}")
"""


@pytest.mark.parametrize("credential_type", [None, "sts"])
def test_temporary_keys_are_sent_with_their_token(
    emulator: ImsEmulator, connect: Callable[..., None], credential_type: str | None
) -> None:
    connect(emulator, **STS, credential_type=credential_type)
    assert "SmartJobList" in ImsHook().call("ListSmartJobs", {})
    assert "AIImageJobList" in VodHook().call("GetAIImageJobs", {"JobIds": "a"})


@pytest.mark.parametrize("client", ["call", "get_conn"])
def test_the_debug_log_of_the_sdk_contains_no_token(
    emulator: ImsEmulator, connect: Callable[..., None], client: str, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setenv("DEBUG", "sdk")
    connect(emulator, **STS)
    with caplog.at_level(logging.DEBUG):
        if client == "call":
            ImsHook().call("ListSmartJobs", {})
        else:
            ImsHook().get_conn().list_smart_jobs(ListSmartJobsRequest())
    assert STS["security_token"] not in caplog.text


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"security_token": "another"}, "InvalidSecurityToken.Malformed"),
        ({"password": "another"}, "SignatureDoesNotMatch"),
        ({"login": "STS.nobody"}, "InvalidAccessKeyId.NotFound"),
    ],
)
def test_wrong_temporary_keys_are_rejected(
    emulator: ImsEmulator, connect: Callable[..., None], given: dict[str, str], code: str
) -> None:
    connect(emulator, **{**STS, **given})
    with pytest.raises(ImsCredentialsError) as caught:
        ImsHook().call("ListSmartJobs", {})
    assert caught.value.code == code
    assert len(emulator.requests()) == 1


def test_an_expired_token_raises_a_credentials_error(connect: Callable[..., None]) -> None:
    expired = StsCredential("STS.old", "old-secret", "old-token", expires=1.0)
    with ImsEmulator(sts_tokens=[expired]) as emulator:
        connect(emulator, login="STS.old", password="old-secret", security_token="old-token")
        with pytest.raises(ImsCredentialsError) as caught:
            ImsHook().call("ListSmartJobs", {})
    assert caught.value.code == "InvalidSecurityToken.Expired"


def test_a_connection_of_type_alibaba_cloud_works(emulator: ImsEmulator, connect: Callable[..., None]) -> None:
    connect(
        conn_type="alibaba_cloud",
        access_key_id=emulator.access_key_id,
        access_key_secret=emulator.access_key_secret,
        region="cn-shanghai",
        protocol="http",
        ims_endpoint=emulator.endpoint,
    )
    assert "SmartJobList" in ImsHook().call("ListSmartJobs", {})


def in_a_fresh_process(home: Path, **environment: str) -> str:
    # The SDK reads the environment and the home folder while it is imported.
    run = subprocess.run(
        [sys.executable, "-c", CALL],
        env={**os.environ, "HOME": str(home), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=CEILING,
    )
    return run.stdout.strip().splitlines()[-1]


@pytest.mark.slow
def test_without_credentials_the_sdks_default_chain_is_used(
    emulator: ImsEmulator, connect: Callable[..., None], tmp_path: Path
) -> None:
    connect(emulator, login="", password="")
    answered = in_a_fresh_process(
        tmp_path,
        ALIBABA_CLOUD_ACCESS_KEY_ID=emulator.access_key_id,
        ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator.access_key_secret,
    )
    assert answered == "answered []"
    assert [sent["status"] for sent in emulator.requests()] == [200]


@pytest.mark.slow
def test_a_default_chain_without_credentials_raises_a_credentials_error(
    emulator: ImsEmulator, connect: Callable[..., None], tmp_path: Path
) -> None:
    connect(emulator, login="", password="")
    answered = in_a_fresh_process(tmp_path)
    assert answered.startswith("ImsCredentialsError: Could not obtain credentials: ")
    assert "action ListSmartJobs" in answered
    assert emulator.requests() == []


@pytest.mark.slow
def test_an_access_key_of_the_connection_overrides_the_environment(
    emulator: ImsEmulator, connect: Callable[..., None], tmp_path: Path
) -> None:
    connect(emulator)
    environment = {"ALIBABA_CLOUD_ACCESS_KEY_ID": "nobody", "ALIBABA_CLOUD_SECURITY_TOKEN": "nothing"}
    assert in_a_fresh_process(tmp_path, **environment) == "answered []"
