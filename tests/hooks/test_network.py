"""Connections that fail, hang, break or cannot be trusted."""

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
    """Return a port that is taken, so that nobody else gets it, and refuses every connection."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def unreachable(connect: Callable[..., None], **extra: object) -> ImsHook:
    connect(login="key", password="secret", region_id="cn-shanghai", **extra)
    return ImsHook()


@pytest.mark.parametrize("action", [SUBMIT, "ListSmartJobs"])
def test_a_refused_connection_was_never_accepted_and_is_tried_again(
    connect: Callable[..., None], closed_port: int, pauses: list[float], action: str
) -> None:
    hook = unreachable(connect, protocol="http", ims_endpoint=f"127.0.0.1:{closed_port}")
    with pytest.raises(ImsUnavailableError, match="could not be reached") as failed:
        hook.call(action, {"Title": "t"}, attempts=3)
    assert failed.value.accepted is False
    assert len(pauses) == 2


def test_an_unknown_host_was_never_accepted(connect: Callable[..., None]) -> None:
    hook = unreachable(connect, protocol="http", ims_endpoint="host.invalid")
    with pytest.raises(ImsUnavailableError) as failed:
        hook.call(SUBMIT, {}, attempts=1)
    assert failed.value.accepted is False


def test_a_submit_goes_through_once_the_service_listens(
    emulator: ImsEmulator, connect: Callable[..., None], closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(emulator, ims_endpoint=f"127.0.0.1:{closed_port}")
    hook = ImsHook()
    monkeypatch.setattr(
        "airflow_provider_ims.hooks.base.time.sleep",
        lambda _: setattr(hook.client, "_endpoint", emulator.endpoint),
    )
    job_id = hook.call(SUBMIT, {"GenerateConfig": '{"originText":"a"}'})["JobId"]
    assert [job["job_id"] for job in emulator.jobs()] == [job_id]


def test_a_connection_cut_after_the_work_may_have_been_accepted(ims: ImsHook, emulator: ImsEmulator) -> None:
    emulator.fault(SUBMIT, "cut_after")
    with pytest.raises(ImsUnavailableError, match=r"did not answer \(ConnectionError") as failed:
        ims.call(SUBMIT, {"GenerateConfig": '{"originText":"a"}'})
    assert failed.value.accepted is None
    assert len(emulator.requests(SUBMIT)) == len(emulator.jobs()) == 1


@pytest.mark.parametrize("kind", ["hang", "hang_after"])
def test_an_answer_that_does_not_come_is_given_up(
    emulator: ImsEmulator, connect: Callable[..., None], kind: str
) -> None:
    connect(emulator, read_timeout="0.05")
    emulator.fault(SUBMIT, kind)
    with pytest.raises(ImsUnavailableError, match=r"did not answer \(ReadTimeout") as failed:
        ImsHook().call(SUBMIT, {"GenerateConfig": '{"originText":"a"}'})
    assert failed.value.accepted is None
    assert len(emulator.requests(SUBMIT)) == 1
    emulator.clear_faults()


def test_the_wanted_time_outs_are_those_of_the_request(
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


def test_a_refused_proxy_is_unavailable_and_hides_its_password(connect: Callable[..., None], closed_port: int) -> None:
    hook = unreachable(connect, https_proxy=f"http://user:pass-9@127.0.0.1:{closed_port}", ims_endpoint="host.invalid")
    with pytest.raises(ImsUnavailableError) as failed:
        hook.call(SUBMIT, {}, attempts=1)
    assert failed.value.accepted is False
    assert "pass-9" not in f"{failed.value!r} {failed.value}"


@pytest.fixture
def tls_emulator(certificate: tuple[str, str]) -> Iterator[ImsEmulator]:
    with ImsEmulator(tls_cert=certificate[0], tls_key=certificate[1]) as emulator:
        yield emulator


def test_https_with_a_ca_of_ones_own(
    tls_emulator: ImsEmulator, connect: Callable[..., None], certificate: tuple[str, str]
) -> None:
    connect(tls_emulator, ca=certificate[0])
    assert "RequestId" in ImsHook().call("ListSmartJobs", {})


def test_a_certificate_that_nobody_vouches_for_is_refused(
    tls_emulator: ImsEmulator, connect: Callable[..., None]
) -> None:
    connect(tls_emulator)
    with pytest.raises(ImsUnavailableError, match="SSLError") as failed:
        ImsHook().call(SUBMIT, {}, attempts=1)
    assert failed.value.accepted is False
    assert tls_emulator.requests() == []
