from __future__ import annotations

import asyncio
import logging
import threading
import traceback
from dataclasses import dataclass, field
from typing import Any

import pytest

from airflow_provider_ims._waiting.hook_resolver import CONNECTION_LIFETIME, RETRY_INTERVAL, HookResolver
from airflow_provider_ims.exceptions import ImsCredentialsError, ImsUnavailableError
from airflow_provider_ims.hooks.ims import ImsHook


@dataclass
class Connections:
    """
    Replaces Airflow's connections, with a clock that the test sets.

    :param region: The region of the connection; ``None`` while it cannot be resolved.
    """

    region: str | None = "cn-shanghai"
    time: float = 1000.0
    made: list[Any] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.held.set()

    def make_hook(self) -> Any:
        assert self.held.wait(30)
        outer = self

        class Hook(ImsHook):
            def get_connection(self, conn_id: str) -> Any:  # type: ignore[override]
                from airflow.sdk import Connection

                if outer.region is None:
                    raise LookupError("the secrets backend is unavailable")
                return Connection(
                    conn_id=conn_id,
                    conn_type="alibabacloud_ims",
                    login="id",
                    password="secret",
                    extra=f'{{"region_id": "{outer.region}"}}',
                )

        hook = Hook()
        self.made.append(hook)
        return hook

    def resolver(self) -> HookResolver:
        return HookResolver(self.make_hook, lambda: self.time)


@pytest.fixture
def connections() -> Connections:
    return Connections()


async def settled(resolver: HookResolver) -> None:
    """Refresh the hook, and wait until the lookup that the refresh may have started has ended."""
    await resolver.refresh()
    if resolver._resolving is not None:
        await resolver._resolving


def test_a_connection_is_resolved_once_in_its_lifetime(connections: Connections) -> None:
    async def main() -> None:
        resolver = connections.resolver()
        for _ in range(3):
            await settled(resolver)
        connections.time += CONNECTION_LIFETIME - 1
        await settled(resolver)
        assert len(connections.made) == 1
        connections.time += 1
        await settled(resolver)
        assert len(connections.made) == 2

    asyncio.run(main())


def test_concurrent_waits_for_the_first_hook_share_one_lookup(connections: Connections) -> None:
    async def main() -> None:
        resolver = connections.resolver()
        await asyncio.gather(*(resolver.refresh() for _ in range(100)))
        assert len(connections.made) == 1

    asyncio.run(main())


def test_the_hook_is_replaced_only_if_the_connection_has_changed(connections: Connections) -> None:
    async def main() -> None:
        resolver = connections.resolver()
        await settled(resolver)
        first = resolver.hook
        connections.time += CONNECTION_LIFETIME
        await settled(resolver)
        assert resolver.hook is first
        connections.region = "cn-beijing"
        connections.time += CONNECTION_LIFETIME
        await settled(resolver)
        assert resolver.hook.settings.region_id == "cn-beijing"

    asyncio.run(main())


def test_polling_does_not_wait_while_a_known_connection_is_resolved_again(connections: Connections) -> None:
    async def main() -> None:
        resolver = connections.resolver()
        await settled(resolver)
        connections.held.clear()
        connections.time += CONNECTION_LIFETIME
        await resolver.refresh()
        assert resolver.hook is connections.made[0]
        assert resolver._resolving is not None
        connections.held.set()
        await resolver._resolving
        assert len(connections.made) == 2

    asyncio.run(main())


def test_the_previous_hook_is_used_during_an_outage_of_the_secrets_backend(
    connections: Connections, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    async def main() -> None:
        resolver = connections.resolver()
        await settled(resolver)
        first = resolver.hook
        connections.region = None
        for _ in range(100):
            connections.time += CONNECTION_LIFETIME
            await settled(resolver)
            assert resolver.hook is first
        connections.region = "cn-shanghai"
        connections.time += RETRY_INTERVAL
        await settled(resolver)
        assert resolver.hook is first

    asyncio.run(main())
    (warning,) = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert "the secrets backend is unavailable" in warning
    assert [record.message for record in caplog.records if "resolved again" in record.message]


def test_a_connection_that_was_never_resolved_is_a_transient_error_and_is_retried_at_intervals(
    connections: Connections,
) -> None:
    connections.region = None

    async def main() -> None:
        resolver = connections.resolver()
        for _ in range(10):
            with pytest.raises(ImsUnavailableError, match="ims_default could not be resolved: LookupError"):
                await resolver.refresh()
        assert len(connections.made) == 1
        connections.region = "cn-shanghai"
        connections.time += RETRY_INTERVAL
        await resolver.refresh()
        assert resolver.hook.settings.region_id == "cn-shanghai"

    asyncio.run(main())


def test_an_invalid_connection_is_not_a_transient_error(connections: Connections) -> None:
    connections.region = '", "credential_type": "nonsense'

    async def main() -> None:
        with pytest.raises(ImsCredentialsError, match="credential_type"):
            await connections.resolver().refresh()

    asyncio.run(main())


def test_rejected_credentials_are_resolved_again_after_the_retry_interval(connections: Connections) -> None:
    async def main() -> None:
        resolver = connections.resolver()
        await settled(resolver)
        resolver.expire()
        for _ in range(10):
            resolver.expire()
            await settled(resolver)
        assert len(connections.made) == 1
        connections.time += RETRY_INTERVAL
        await settled(resolver)
        assert len(connections.made) == 2

    asyncio.run(main())


def test_a_blocking_request_to_the_supervisor_runs_on_the_event_loop(connections: Connections) -> None:
    """Before Airflow 3.2.2, a triggerer dies if a lookup runs on a separate event loop."""
    from asgiref.sync import async_to_sync

    loops: list[asyncio.AbstractEventLoop] = []

    async def request() -> None:
        loops.append(asyncio.get_running_loop())

    class Hook(ImsHook):
        def connect(self) -> None:
            # The supervisor's client does this for each blocking lookup in a triggerer.
            async_to_sync(request)()

    async def main() -> None:
        await HookResolver(Hook).refresh()
        assert loops == [asyncio.get_running_loop()]

    asyncio.run(main())


def test_a_failure_that_is_raised_repeatedly_does_not_accumulate_tracebacks(connections: Connections) -> None:
    async def main() -> list[int]:
        resolver, depths = connections.resolver(), []
        for _ in range(5):
            with pytest.raises(ImsUnavailableError) as caught:
                await resolver.refresh()
            depths.append(len(traceback.extract_tb(caught.value.__traceback__)))
        return depths

    connections.region = None
    first, *others = asyncio.run(main())
    assert max(others) <= first
