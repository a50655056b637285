"""Connections that are refused, hang, break or are not trusted."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsUnavailableError
from airflow_provider_ims.hooks.ims import ImsHook

SUBMIT = "SubmitTextGenerateJob"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Return a bound port that refuses connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def unreachable(connect: Callable[..., None], **extra: object) -> ImsHook:
    connect(login="key", password="secret", region_id="cn-shanghai", **extra)
    return ImsHook()


@pytest.mark.parametrize("action", [SUBMIT, "ListSmartJobs"])
def test_a_refused_connection_is_retried_because_nothing_was_sent(
    connect: Callable[..., None], closed_port: int, pauses: list[float], action: str
) -> None:
    hook = unreachable(connect, protocol="http", ims_endpoint=f"127.0.0.1:{closed_port}")
    with pytest.raises(ImsUnavailableError, match="could not be reached") as failed:
        hook.call(action, {"Title": "t"}, attempts=3)
    assert failed.value.accepted is False
    assert len(pauses) == 2


def test_a_request_to_an_unknown_host_counts_as_not_sent(connect: Callable[..., None]) -> None:
    hook = unreachable(connect, protocol="http", ims_endpoint="host.invalid")
    with pytest.raises(ImsUnavailableError) as failed:
        hook.call(SUBMIT, {}, attempts=1)
    assert failed.value.accepted is False


def test_a_submit_request_is_retried_until_the_service_is_reachable(
    emulator: ImsEmulator, connect: Callable[..., None], closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(emulator, ims_endpoint=f"127.0.0.1:{closed_port}")
    hook = ImsHook()
    monkeypatch.setattr(
        "airflow_provider_ims.hooks._base.time.sleep",
        lambda _: setattr(hook.client, "_endpoint", emulator.endpoint),
    )
    job_id = hook.call(SUBMIT, {"GenerateConfig": '{"originText":"a"}'})["JobId"]
    assert [job["job_id"] for job in emulator.jobs()] == [job_id]


def test_after_a_lost_connection_it_is_unknown_whether_the_request_was_accepted(
    ims: ImsHook, emulator: ImsEmulator
) -> None:
    emulator.fault(SUBMIT, "cut_after")
    with pytest.raises(ImsUnavailableError, match=r"did not respond \(ConnectionError") as failed:
        ims.call(SUBMIT, {"GenerateConfig": '{"originText":"a"}'})
    assert failed.value.accepted is None
    assert len(emulator.requests(SUBMIT)) == len(emulator.jobs()) == 1


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
def test_a_missing_response_raises_after_the_read_timeout(
    emulator: ImsEmulator, connect: Callable[..., None], kind: str
) -> None:
    connect(emulator, read_timeout="0.05")
    emulator.fault(SUBMIT, kind)
    with pytest.raises(ImsUnavailableError, match=r"did not respond \(ReadTimeout") as failed:
        ImsHook().call(SUBMIT, {"GenerateConfig": '{"originText":"a"}'})
    assert failed.value.accepted is None
    assert len(emulator.requests(SUBMIT)) == 1
    emulator.clear_faults()


def test_the_timeouts_of_the_connection_apply_to_each_request(
    emulator: ImsEmulator, connect: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    import requests

    connect(emulator, connect_timeout="2.5", read_timeout="7")
    seen = []
    send = requests.Session.send

    def watched(session: requests.Session, request: requests.PreparedRequest, **options: object) -> requests.Response:
        seen.append((options["timeout"], options["verify"]))
        return send(session, request, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(requests.Session, "send", watched)
    ImsHook().call("ListSmartJobs", {})
    assert seen == [((2.5, 7.0), True)]


def test_an_unreachable_proxy_raises_unavailable_without_its_password(
    connect: Callable[..., None], closed_port: int
) -> None:
    hook = unreachable(connect, https_proxy=f"http://user:pass-9@127.0.0.1:{closed_port}", ims_endpoint="host.invalid")
    with pytest.raises(ImsUnavailableError) as failed:
        hook.call(SUBMIT, {}, attempts=1)
    assert failed.value.accepted is False
    assert "pass-9" not in f"{failed.value!r} {failed.value}"


@pytest.fixture
def tls_emulator(certificate: tuple[str, str]) -> Iterator[ImsEmulator]:
    with ImsEmulator(tls_cert=certificate[0], tls_key=certificate[1]) as emulator:
        yield emulator


def test_a_custom_ca_is_used(
    tls_emulator: ImsEmulator, connect: Callable[..., None], certificate: tuple[str, str]
) -> None:
    connect(tls_emulator, ca=certificate[0])
    assert "RequestId" in ImsHook().call("ListSmartJobs", {})


def test_an_untrusted_certificate_raises_unavailable(tls_emulator: ImsEmulator, connect: Callable[..., None]) -> None:
    connect(tls_emulator)
    with pytest.raises(ImsUnavailableError, match="SSLError") as failed:
        ImsHook().call(SUBMIT, {}, attempts=1)
    assert failed.value.accepted is False
    assert tls_emulator.requests() == []
