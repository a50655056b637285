"""The client of the control interface, for an emulator in this process or in another one."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlencode, urlsplit


class EmulatorControl:
    """
    Controls a running emulator.

    :param url: URL of the emulator, such as ``http://127.0.0.1:8020``.
    :param timeout: Timeout of a command, in seconds.
    :param cafile: Trusted certificates, for an emulator with HTTPS.
    """

    def __init__(self, url: str, *, timeout: float = 30.0, cafile: str | None = None) -> None:
        self._url = url
        self._timeout = timeout
        self._cafile = cafile

    @property
    def url(self) -> str:
        """The URL of the emulator."""
        return self._url

    def requests(self, action: str | None = None) -> list[dict[str, Any]]:
        """
        Return the requests to the services, oldest first.

        The emulator stores the last 64 MiB of requests. Each has ``time`` (real time in epoch seconds), ``request_id``,
        ``method``, ``action``, ``version``, ``region`` (None if the request was rejected before it was determined),
        ``parameters``, ``in_query`` and ``in_body`` (names), ``access_key_id``, ``status`` (None without a response),
        ``error_code``, ``job_id`` (from the response to a submit request) and ``faults`` (the kinds that affected it).

        :param action: Return only requests for this action.
        """
        records: list[dict[str, Any]] = []
        after: str | None = "0"
        while after is not None:
            page = self._send("GET", "/requests", action=action, after=after)
            records += page["requests"]
            after = None if page["next"] is None else str(page["next"])
        return records

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of all requests by action and status (a string); ``"0"`` means no response."""
        return cast("dict[str, dict[str, int]]", self._send("GET", "/counts"))

    def jobs(self, kind: str | None = None) -> list[dict[str, Any]]:
        """
        Return the jobs, oldest first.

        Each has ``job_id``, ``kind`` (the submit action), ``region``, ``state`` (as returned by the service),
        ``created`` and ``ended`` (job clock, epoch seconds), ``parameters``, ``error_code`` and ``result``.

        :param kind: Return only jobs of this submit action, such as ``SubmitTextGenerateJob``.
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
        Inject a fault into the next requests.

        Before a request is processed, at most one of these affects it:

        - ``throttle``, ``server_error``, ``unavailable``, ``not_subscribed``, ``suspended``, ``error``: an error
          response; options ``code``, ``status``, ``message``, ``retry_after`` (for the header x-acs-retry-after);
        - ``deny``: a RAM denial; ``code`` (Forbidden.RAM or NoPermission), ``detail`` (False: without
          AccessDeniedDetail);
        - ``non_json``: ``status`` (502), ``body``, ``content_type``;
        - ``hang``: no response for ``seconds`` (30; None until :meth:`release`), then the request is processed;
        - ``cut``: the connection is closed and the request is not processed;
        - ``qps``: a rate limit for all matching requests until cleared: ``rate`` per second, ``burst``, ``code``.

        After a request is processed, one fault of each of these kinds can affect it:

        - ``fail_job``: the job fails when it ends; ``code``, ``message``, ``videos`` (how many videos of a batch, or
          outputs of another job, fail; the job itself succeeds);
        - ``callback``: the callback at the end of the job is sent ``copies`` times (0 to 100), ``delay`` seconds of the
          job clock after the end, plus a random time of up to ``jitter`` seconds, which changes the order of callbacks;
        - ``redeliver``: the received messages of a queue remain visible, so that they are received again ``copies``
          (1) times, with the same ids;
        - ``unknown_state``: ``state``; after a submit request, the job remains in this state; after a query, only the
          response shows it;
        - ``odd_shape``: a modified response: ``body``, or ``merge`` (fields) and ``drop`` (names);
        - ``hang_after``, ``cut_after``: as above, but the request is processed.

        :param action: The action to affect, such as ``SubmitASRJob``, ``vod:UploadMediaByURL`` or
            ``smq:BatchReceiveMessage``; ``*`` for all actions of IMS and VOD; ``smq:*`` for all actions of SMQ.
        :param kind: The kind of fault, as above.
        :param count: How many requests to affect; None for all until the fault is cleared.
        :param share: The fraction of requests to affect, chosen at random; above 0 and at most 1.
        :param seed: The seed of the random choice.
        :param options: Options of the kind.
        :raises ValueError: If the action, kind, count, share or an option is invalid.
        """
        body = {"action": action, "kind": kind, "count": count, "share": share, "seed": seed, "options": options}
        return cast("dict[str, Any]", self._send("POST", "/faults", body=body))

    def faults(self) -> list[dict[str, Any]]:
        """Return the faults that still affect requests."""
        return cast("list[dict[str, Any]]", self._send("GET", "/faults"))

    def clear_faults(self) -> None:
        """Remove all faults and release all hanging requests."""
        self._send("DELETE", "/faults")

    def release(self) -> None:
        """Release all hanging requests."""
        self._send("POST", "/release", body={})

    def advance(self, seconds: float) -> float:
        """
        Advance the job clock and return its time in epoch seconds.

        :param seconds: How many seconds to advance it.
        :raises ValueError: If it is negative, or the time would be after the year 9000.
        """
        return float(self._send("POST", "/advance", body={"seconds": seconds}))

    def add_jobs(
        self, kind: str, parameters: Mapping[str, str], seconds: Sequence[float], region: str | None = None
    ) -> list[str]:
        """
        Add one job for each duration, as if it had just been submitted, and return the job ids.

        Use this for thousands of jobs or for jobs that end at different times. No requests are recorded.

        :param kind: The submit action, such as ``SubmitTextGenerateJob``.
        :param parameters: The parameters of all jobs.
        :param seconds: The duration of each job.
        :param region: The region of the jobs; default: that of the emulator.
        :raises ValueError: If the kind is unknown or a submit request would reject the parameters.
        """
        body = {"kind": kind, "parameters": dict(parameters), "seconds": list(seconds), "region": region}
        return cast("list[str]", self._send("POST", "/add_jobs", body=body))

    def finish(self, job_id: str) -> dict[str, Any]:
        """
        End a job successfully now and return it.

        :raises KeyError: If the job does not exist.
        """
        return self._on_job("/finish", job_id)

    def fail(self, job_id: str, code: str = "InternalError", message: str = "The job failed.") -> dict[str, Any]:
        """
        End a job with an error now and return it.

        :raises KeyError: If the job does not exist.
        """
        return self._on_job("/fail", job_id, code=code, message=message)

    def fail_videos(
        self, job_id: str, count: int, code: str = "InternalError", message: str = "The job failed."
    ) -> dict[str, Any]:
        """
        Make the first ``count`` videos of a batch, or outputs of another job, fail; the job itself succeeds.

        :raises KeyError: If the job does not exist.
        :raises ValueError: If its kind has no such parts, or fewer than ``count``.
        """
        return self._on_job("/fail_videos", job_id, count=count, code=code, message=message)

    def set_state(self, job_id: str, state: str | None) -> dict[str, Any]:
        """
        Set a job's state regardless of the clock; None removes this override.

        :raises KeyError: If the job does not exist.
        """
        return self._on_job("/set_state", job_id, state=state)

    def callbacks(self, job_id: str | None = None) -> list[dict[str, Any]]:
        """
        Return the callbacks of jobs, in the order in which the jobs were submitted.

        Each has ``job_id``, ``status``, ``event_type``, ``url`` (or the name of a queue), ``message`` (the body),
        ``tries``, ``reason`` and ``copies``. The status is ``pending`` until the callback was sent, then ``delivered``,
        or ``failed`` after three tries. If no callback was sent, it is ``refused`` or ``lost``, and ``reason`` explains
        why. Each try has ``time`` (real time in epoch seconds) and ``status`` or ``error``.

        :param job_id: Return only the callback of this job.
        """
        return cast("list[dict[str, Any]]", self._send("GET", "/callbacks", job_id=job_id))

    def queues(self) -> list[dict[str, Any]]:
        """
        Return the SMQ queues, by name.

        Each has ``name``, ``region`` and the numbers of messages: ``active`` (visible), ``inactive`` (received, and not
        visible) and ``delayed``.
        """
        return cast("list[dict[str, Any]]", self._send("GET", "/queues"))

    def messages(self, queue: str, region: str | None = None) -> list[dict[str, Any]]:
        """
        Return the messages in a queue, oldest first, without receiving them.

        Each has ``message_id``, ``body``, ``priority``, ``enqueued``, ``visible`` (when it can be received; real time
        in epoch seconds) and ``received`` (how many times it was received).

        :param queue: The name of the queue.
        :param region: Its region; default: that of the emulator.
        :raises ValueError: If the queue does not exist.
        """
        return cast("list[dict[str, Any]]", self._send("GET", "/messages", queue=queue, region=region))

    def put_messages(self, queue: str, bodies: Sequence[str], region: str | None = None) -> list[str]:
        """
        Add messages to a queue, such as messages about the jobs of others, and return their ids.

        :param queue: The name of the queue.
        :param bodies: The bodies, which are not encoded.
        :param region: Its region; default: that of the emulator.
        :raises ValueError: If the queue does not exist, or a body is empty or too large.
        """
        body = {"queue": queue, "bodies": list(bodies), "region": region}
        return cast("list[str]", self._send("POST", "/put_messages", body=body))

    def show_messages(self, queue: str, region: str | None = None) -> None:
        """
        Make all messages in a queue visible now, as if their visibility timeouts and delays had expired.

        :param queue: The name of the queue.
        :param region: Its region; default: that of the emulator.
        :raises ValueError: If the queue does not exist.
        """
        self._send("POST", "/show_messages", body={"queue": queue, "region": region})

    def reset(self) -> None:
        """Delete all jobs, resources, requests, callbacks, queues and faults, and set the clock to the real time."""
        self._send("POST", "/reset", body={})

    def health(self) -> dict[str, Any]:
        """Return ``{"status": "ok", "time": <job clock>}``."""
        return cast("dict[str, Any]", self._send("GET", "/health"))

    def _on_job(self, path: str, job_id: str, **options: Any) -> dict[str, Any]:
        return cast("dict[str, Any]", self._send("POST", path, body={"job_id": job_id, **options}))

    def _send(self, method: str, path: str, body: Any = None, **query: str | None) -> Any:
        query_string = urlencode({name: value for name, value in query.items() if value is not None})
        connection = self._connect()
        try:
            connection.request(
                method,
                f"/_emulator{path}{'?' if query_string else ''}{query_string}",
                body=None if body is None else json.dumps(body),
                headers={"content-type": "application/json"},
            )
            response = connection.getresponse()
            content = json.loads(response.read())
        finally:
            connection.close()
        if response.status == 404:
            raise KeyError(content["error"])
        if response.status != 200:
            raise ValueError(content["error"])
        return content

    def _connect(self) -> http.client.HTTPConnection:
        # http.client instead of urllib, which would use a proxy from the environment.
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self._cafile)
            return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=self._timeout)
