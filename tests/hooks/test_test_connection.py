from __future__ import annotations

import socket
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.hooks import _clock as clock
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook

HOOKS = [(ImsHook, "ListSmartJobs"), (VodHook, "GetAIImageJobs")]
Hook = type[ImsHook | VodHook]


@pytest.mark.parametrize(("hook", "action"), HOOKS)
def test_a_valid_connection_is_tested_with_one_read_request(emulator: ImsEmulator, hook: Hook, action: str) -> None:
    assert hook().test_connection() == (True, f"{action} succeeded at {emulator.endpoint}")
    assert [(sent["action"], sent["status"]) for sent in emulator.requests()] == [(action, 200)]
    assert emulator.jobs() == []


@pytest.mark.parametrize(("hook", "action"), HOOKS)
def test_the_test_succeeds_if_the_service_does_not_find_a_resource(
    emulator: ImsEmulator, hook: Hook, action: str
) -> None:
    emulator.fault(action, "error", code="ResourceNotFound")
    assert hook().test_connection()[0]


@pytest.mark.parametrize(("hook", "action"), HOOKS)
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"password": "wrong"}, "The service rejected the credentials"),
        ({"login": "LTAI-nobody"}, "InvalidAccessKeyId.NotFound"),
        ({"password": ""}, "access_key requires password"),
        ({"network": "moon"}, "network is not one of public, vpc"),
        ({"region_id": "", "ims_endpoint": "", "vod_endpoint": ""}, "No region"),
    ],
)
def test_the_message_states_the_problem(
    emulator: ImsEmulator,
    connect: Callable[..., None],
    hook: Hook,
    action: str,
    changes: dict[str, Any],
    expected: str,
) -> None:
    connect(emulator, **changes)
    works, message = hook().test_connection()
    assert not works
    assert expected in message
    assert emulator.access_key_secret not in message


@pytest.mark.parametrize(("hook", "ram_action"), [(ImsHook, "ice:ListSmartJobs"), (VodHook, "vod:GetAIImageJobs")])
def test_the_message_contains_the_ram_action_to_grant(emulator: ImsEmulator, hook: Hook, ram_action: str) -> None:
    emulator.fault("*", "deny")
    works, message = hook().test_connection()
    assert not works
    assert ram_action in message


@pytest.mark.parametrize(("hook", "action"), HOOKS)
def test_only_one_transient_error_is_retried(emulator: ImsEmulator, hook: Hook, action: str) -> None:
    emulator.fault(action, "server_error")
    assert hook().test_connection()[0]
    emulator.fault(action, "server_error", count=None)
    assert not hook().test_connection()[0]
    assert len(emulator.requests(action)) == 2 + 2


@pytest.mark.parametrize(("hook", "action"), HOOKS)
def test_the_test_fails_if_another_server_responds(wire: Any, hook: Hook, action: str) -> None:
    wire.answer('{"detail":"Not Found"}', 404)
    works, message = hook().test_connection()
    assert not works
    assert "check the endpoint" in message


def test_the_hook_accepts_the_connection_id_as_the_argument_in_conn_name_attr(
    emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_TMP_1", emulator.connection_uri)
    assert ImsHook(**{ImsHook.conn_name_attr: "tmp_1"}).test_connection()[0]


def test_get_hook_returns_the_hook_of_the_connection(emulator: ImsEmulator) -> None:
    hook = ImsHook.get_hook("ims_default")
    assert isinstance(hook, ImsHook)
    assert hook.test_connection()[0]


ADVICE = [
    ("InvalidAccessKeyId.NotFound", "no AccessKey has this ID: check the connection's login"),
    ("InvalidAccessKeyId.Inactive", "the AccessKey is disabled"),
    ("SignatureDoesNotMatch", "the AccessKey secret is wrong: check the connection's password"),
    ("InvalidSecurityToken.Expired", "the security token has expired"),
    ("OperationDenied", "the account has no subscription"),
]


@pytest.mark.parametrize(("hook", "action"), HOOKS)
@pytest.mark.parametrize(("code", "advice"), ADVICE)
def test_the_message_for_each_rejection_contains_advice_and_the_endpoint(
    emulator: ImsEmulator, hook: Hook, action: str, code: str, advice: str
) -> None:
    emulator.fault(action, "error", code=code)
    works, message = hook().test_connection()
    assert not works
    assert advice in message
    assert message.endswith(f"endpoint: {emulator.endpoint}")


def test_the_message_for_an_unknown_region_lists_the_known_regions(
    connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def nowhere(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    connect(login="key", password="secret", region_id="cn-moon")
    works, message = ImsHook().test_connection()
    assert not works
    assert message.startswith("ice.cn-moon.aliyuncs.com could not be reached")
    assert "check region_id, which is cn-moon. Regions with an endpoint: ap-southeast-1, cn-beijing," in message


def test_the_message_for_an_unreachable_endpoint_contains_it(connect: Callable[..., None]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{taken.getsockname()[1]}"
        connect(login="key", password="secret", region_id="cn-shanghai", protocol="http", ims_endpoint=endpoint)
        works, message = ImsHook().test_connection()
    assert not works
    assert message.startswith(f"{endpoint} could not be reached")


@pytest.mark.parametrize(("minutes", "difference"), [(20, "20 minutes ahead"), (-33, "33 minutes behind")])
def test_a_wrong_clock_is_reported_with_its_difference(
    wire: Any, minutes: int, difference: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.answer('{"Code":"InvalidTimeStamp.Expired","Message":"m","RequestId":"r"}', 400)
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: time.time() + 60 * minutes))
    works, message = ImsHook().test_connection()
    assert not works
    assert "the clock of this machine is off by more than 15 minutes" in message
    assert f"the clock is {difference}" in message
