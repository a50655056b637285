"""Steering an emulator, in this process or another: one set of methods over HTTP."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlencode, urlsplit


class EmulatorControl:
    """
    A handle on a running emulator.

    :param url: address of the emulator, such as ``http://127.0.0.1:8080``.
    :param timeout: how long a command may take, in seconds.
    :param cafile: certificates to trust, for an emulator with a certificate of its own.
    """

    def __init__(self, url: str, *, timeout: float = 30.0, cafile: str | None = None) -> None:
        self._url = url
        self._timeout = timeout
        self._cafile = cafile

    @property
    def url(self) -> str:
        """Address of the emulator."""
        return self._url

    def requests(self, action: str | None = None) -> list[dict[str, Any]]:
        """
        Return what was asked of the services, oldest first; the last 100,000 are remembered.

        Each has ``time`` (real, epoch seconds), ``request_id``, ``method``, ``action``, ``version``,
        ``parameters``, ``in_query`` and ``in_body`` (names), ``status`` (None if it was cut or still hangs),
        ``error_code``, ``job_id`` (the job that a submit was answered with) and ``faults`` (the kinds it met).

        :param action: only requests for this action.
        """
        return cast("list[dict[str, Any]]", self._send("GET", "/requests", action=action))

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many requests each action had, by status as text; ``"0"`` are those never answered."""
        return cast("dict[str, dict[str, int]]", self._send("GET", "/counts"))

    def jobs(self, kind: str | None = None) -> list[dict[str, Any]]:
        """
        Return the jobs, oldest first.

        Each has ``job_id``, ``kind`` (the submit action), ``state`` (in the words of its family), ``created``
        and ``ended`` (job clock, epoch seconds), ``parameters``, ``error_code`` and ``result``.

        :param kind: only jobs of this submit action, such as ``SubmitTextGenerateJob``.
        """
        return cast("list[dict[str, Any]]", self._send("GET", "/jobs", kind=kind))

    def fault(
        self,
        action: str,
        kind: str,
        count: int | None = 1,
        *,
        share: float = 1.0,
        seed: int | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        """
        Make the service misbehave.

        Before the work a request meets one fault:

        - ``throttle``, ``server_error``, ``unavailable``, ``not_subscribed``, ``suspended``, ``error``: an error
          body; options ``code``, ``status``, ``message``, ``retry_after`` (for the header x-acs-retry-after);
        - ``deny``: a RAM denial; ``code`` (Forbidden.RAM or NoPermission), ``detail`` (False: without
          AccessDeniedDetail);
        - ``non_json``: ``status`` (502), ``body``, ``content_type``;
        - ``hang``: ``seconds`` (30; None until :meth:`release`), then the request goes on;
        - ``cut``: the connection ends, the work is not done;
        - ``qps``: ``rate`` a second, ``burst``, ``code``; a limit for all requests it matches, until cleared.

        After the work it meets one of each kind:

        - ``fail_job``: the job fails when its time is over; ``code``, ``message``, ``videos`` (of a batch: so many
          videos fail and the batch finishes);
        - ``unknown_state``: ``state``; of a submit the job stays in it, of a query the answer tells it;
        - ``odd_shape``: ``body`` (instead of the answer), or ``merge`` (fields) and ``drop`` (names);
        - ``hang_after``, ``cut_after``: as above, with the work done.

        :param action: the action to meet, ``*`` for all.
        :param kind: one of the kinds in ``airflow_provider_ims.emulator.faults.KINDS``.
        :param count: how many requests to meet; None until cleared.
        :param share: which share of the requests to meet, chosen at random, above 0 and up to 1.
        :param seed: makes the choice the same each time.
        :param options: options of the kind.
        :raises ValueError: for an action, kind, share or option that does not exist.
        """
        body = {"action": action, "kind": kind, "count": count, "share": share, "seed": seed, "options": options}
        return cast("dict[str, Any]", self._send("POST", "/faults", body=body))

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that are still to strike."""
        return cast("list[dict[str, Any]]", self._send("GET", "/faults"))

    def clear_faults(self) -> None:
        """Make the service behave again; requests that hang go on."""
        self._send("DELETE", "/faults")

    def release(self) -> None:
        """Let all requests that hang go on."""
        self._send("POST", "/release", body={})

    def advance(self, seconds: float) -> float:
        """
        Move the job clock on and return its time in epoch seconds.

        :param seconds: how far.
        """
        return float(self._send("POST", "/advance", body={"seconds": seconds}))

    def add_jobs(self, kind: str, parameters: Mapping[str, str], seconds: Sequence[float]) -> list[str]:
        """
        Take in jobs as if they were submitted just now, one for each duration, and return their ids.

        For thousands of jobs at once, and for jobs that end each at its own time; no request is recorded.

        :param kind: the submit action, such as ``SubmitTextGenerateJob``.
        :param parameters: what all of them are submitted with.
        :param seconds: how long each job takes.
        :raises ValueError: for a kind that does not exist, or what a submit would refuse.
        """
        body = {"kind": kind, "parameters": dict(parameters), "seconds": list(seconds)}
        return cast("list[str]", self._send("POST", "/add_jobs", body=body))

    def finish(self, job_id: str) -> dict[str, Any]:
        """
        End a job now, successfully, and return it.

        :raises KeyError: if there is no such job.
        """
        return self._on_job("/finish", job_id)

    def fail(self, job_id: str, code: str = "InternalError", message: str = "The job failed.") -> dict[str, Any]:
        """
        End a job now, with an error, and return it.

        :raises KeyError: if there is no such job.
        """
        return self._on_job("/fail", job_id, code=code, message=message)

    def fail_videos(
        self, job_id: str, count: int, code: str = "InternalError", message: str = "The job failed."
    ) -> dict[str, Any]:
        """
        Let the first ``count`` videos of a batch fail; the batch itself still finishes when its time is over.

        :raises KeyError: if there is no such job.
        """
        return self._on_job("/fail_videos", job_id, count=count, code=code, message=message)

    def set_state(self, job_id: str, state: str | None) -> dict[str, Any]:
        """
        Show a state of a job whatever the clock says; None goes back to the clock.

        :raises KeyError: if there is no such job.
        """
        return self._on_job("/set_state", job_id, state=state)

    def reset(self) -> None:
        """Forget all jobs, requests and faults; the clock goes on."""
        self._send("POST", "/reset", body={})

    def health(self) -> dict[str, Any]:
        """Return ``{"status": "ok", "time": <job clock>}``."""
        return cast("dict[str, Any]", self._send("GET", "/health"))

    def _on_job(self, path: str, job_id: str, **options: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self._send("POST", path, body={"job_id": job_id, **options}))

    def _send(self, method: str, path: str, body: Any = None, **query: str | None) -> Any:
        wanted = urlencode({name: value for name, value in query.items() if value is not None})
        connection = self._connect()
        try:
            connection.request(
                method,
                f"/_emulator{path}{'?' if wanted else ''}{wanted}",
                body=None if body is None else json.dumps(body),
                headers={"content-type": "application/json"},
            )
            response = connection.getresponse()
            answer = json.loads(response.read())
        finally:
            connection.close()
        if response.status == 404:
            raise KeyError(answer["error"])
        if response.status != 200:
            raise ValueError(answer["error"])
        return answer

    def _connect(self) -> http.client.HTTPConnection:
        # Not urllib: a proxy in the environment has no business between a test and its emulator.
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self._cafile)
            return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=self._timeout)
