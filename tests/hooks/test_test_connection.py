from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.hooks.connection_test import run_connection_test
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook

HOOKS = [(ImsHook, "ListSmartJobs"), (VodHook, "GetAIImageJobs")]
Hook = type[ImsHook | VodHook]


@pytest.mark.parametrize(("hook", "action"), HOOKS)
def test_a_good_connection_makes_one_read(emulator: ImsEmulator, hook: Hook, action: str) -> None:
    assert hook().test_connection() == (True, f"{action} answered at {emulator.endpoint}")
    assert [(sent["action"], sent["status"]) for sent in emulator.requests()] == [(action, 200)]
    assert emulator.jobs() == []


@pytest.mark.parametrize(("hook", "action"), HOOKS)
def test_that_nothing_was_found_shows_that_the_service_looked(emulator: ImsEmulator, hook: Hook, action: str) -> None:
    emulator.fault(action, "error", code="ResourceNotFound")
    assert hook().test_connection()[0]


@pytest.mark.parametrize(("hook", "action"), HOOKS)
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "wrong"}, "The credentials were refused"),
        ({"login": "LTAI-nobody"}, "InvalidAccessKeyId.NotFound"),
        ({"password": ""}, "access_key needs password"),
        ({"network": "moon"}, "network is not one of public, vpc"),
        ({"region_id": "", "ims_endpoint": "", "vod_endpoint": ""}, "No region"),
    ],
)
def test_a_bad_connection_says_what_is_wrong(
    emulator: ImsEmulator,
    connect: Callable[..., None],
    hook: Hook,
    action: str,
    changes: dict[str, Any],
    said: str,
) -> None:
    connect(emulator, **changes)
    works, message = hook().test_connection()
    assert not works
    assert said in message
    assert emulator.access_key_secret not in message


@pytest.mark.parametrize(("hook", "ram_action"), [(ImsHook, "ice:ListSmartJobs"), (VodHook, "vod:GetAIImageJobs")])
def test_a_denial_names_what_to_grant(emulator: ImsEmulator, hook: Hook, ram_action: str) -> None:
    emulator.fault("*", "deny")
    works, message = hook().test_connection()
    assert not works
    assert ram_action in message


@pytest.mark.parametrize(("hook", "action"), HOOKS)
def test_one_passing_trouble_is_forgiven_and_no_more(emulator: ImsEmulator, hook: Hook, action: str) -> None:
    emulator.fault(action, "server_error")
    assert hook().test_connection()[0]
    emulator.fault(action, "server_error", count=None)
    assert not hook().test_connection()[0]
    assert len(emulator.requests(action)) == 2 + 2


@pytest.mark.parametrize(("hook", "action"), HOOKS)
def test_a_server_that_is_not_the_service_is_no_good_connection(wire: Any, hook: Hook, action: str) -> None:
    wire.answer('{"detail":"Not Found"}', 404)
    works, message = hook().test_connection()
    assert not works
    assert "check the endpoint" in message


def test_airflow_tests_it_with_a_connection_of_any_name(emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TMP_1", emulator.connection_uri)
    assert ImsHook(**{ImsHook.conn_name_attr: "tmp_1"}).test_connection()[0]


def test_a_connection_makes_its_hook(emulator: ImsEmulator) -> None:
    hook = ImsHook.get_hook("ims_default")
    assert isinstance(hook, ImsHook)
    assert hook.test_connection()[0]


SENTENCES = [
    ("InvalidAccessKeyId.NotFound", "no AccessKey has this ID: check the connection's login"),
    ("InvalidAccessKeyId.Inactive", "the AccessKey is disabled"),
    ("SignatureDoesNotMatch", "the secret is not that of the AccessKey: check the password"),
    ("InvalidSecurityToken.Expired", "the security token has ended"),
    ("OperationDenied", "the account has no subscription"),
]


@pytest.mark.parametrize(("hook", "action"), HOOKS)
@pytest.mark.parametrize(("code", "sentence"), SENTENCES)
def test_each_refusal_has_its_sentence_and_names_the_endpoint(
    emulator: ImsEmulator, hook: Hook, action: str, code: str, sentence: str
) -> None:
    emulator.fault(action, "error", code=code)
    works, message = hook().test_connection()
    assert not works
    assert sentence in message
    assert message.endswith(f"asked: {emulator.endpoint}")


def test_a_region_without_a_host_is_named_with_those_that_have_one(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    connect(login="key", password="secret", region_id="cn-moon")
    works, message = ImsHook().test_connection()
    assert not works
    assert message.startswith("ice.cn-moon.aliyuncs.com could not be reached")
    assert "check region_id, which is cn-moon: there are endpoints in ap-southeast-1, cn-beijing," in message


def test_a_host_that_does_not_listen_is_named(connect: Callable[..., None]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        connect(login="key", password="secret", region_id="cn-shanghai", protocol="http", ims_endpoint=endpoint)
        works, message = ImsHook().test_connection()
    assert not works
    assert message.startswith(f"{endpoint} could not be reached")


@pytest.mark.parametrize(("minutes", "said"), [(20, "20 minutes ahead"), (-33, "33 minutes behind")])
def test_a_clock_that_is_off_is_told_by_how_much(wire: Any, minutes: int, said: str) -> None:
    wire.answer('{"Code":"InvalidTimeStamp.Expired","Message":"m","RequestId":"r"}', 400)
    works, message = run_connection_test(ImsHook(), now=lambda: time.time() + 60 * minutes)
    assert not works
    assert "this machine's clock is over 15 minutes off" in message
    assert f"the clock is {said}" in message
