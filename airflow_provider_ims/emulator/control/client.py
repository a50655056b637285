"""The client of the control interface, for an emulator in this process or in another process."""

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
    :param timeout: Timeout of each command, in seconds.
    :param cafile: Path of a file with the trusted certificates (PEM), for an emulator with HTTPS.
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
        Return the stored requests to IMS, VOD and SMQ, oldest first.

        The emulator stores the last 64 MiB of requests. Each request has ``time`` (real time in epoch seconds),
        ``request_id``, ``method``, ``action``, ``version``, ``region`` (None if the request was rejected before the
        region was determined), ``parameters``, ``in_query`` and ``in_body`` (the names of the parameters in the query
        and in the body), ``access_key_id``, ``status`` (None if there was no response), ``error_code``, ``job_id``
        (from the response to a submit request) and ``faults`` (the kinds of faults that affected the request, except
        ``qps``).

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
        """
        Return the number of requests by action and HTTP status, such as ``{"SubmitASRJob": {"200": 3}}``.

        The status ``"0"`` means that the request got no response. Requests that are no longer stored are counted, too.
        """
        return cast("dict[str, dict[str, int]]", self._send("GET", "/counts"))

    def jobs(self, kind: str | None = None) -> list[dict[str, Any]]:
        """
        Return the jobs, oldest first.

        Each job has ``job_id``, ``kind`` (the submit action), ``region``, ``state`` (as in the responses of the
        service), ``created`` and ``ended`` (in epoch seconds of the job clock; ``ended`` is None until the job ends),
        ``parameters``, ``error_code`` (None unless the job failed) and ``result`` (None unless the job succeeded).

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
        Inject a fault into the next requests. The values in parentheses are the defaults of the options.

        Before a request is processed, at most one fault of these kinds affects it:

        - ``throttle``, ``server_error``, ``unavailable``, ``not_subscribed``, ``suspended``, ``error``: an error
          response. Options: ``code``, ``status``, ``message``, ``retry_after`` (seconds).
        - ``deny``: a missing RAM permission. Options: ``code`` (Forbidden.RAM), ``detail`` (False: without details).
        - ``non_json``: an HTML page instead of JSON. Options: ``status`` (502), ``body``, ``content_type``.
        - ``hang``: no response for ``seconds`` (30; None for no limit) or until :meth:`release` or :meth:`clear_faults`
          is called. Then the request is processed, unless the client has closed the connection.
        - ``cut``: the connection is closed, and the request is not processed.
        - ``qps`` (in addition to another kind): requests are limited to ``rate`` (1) per second until the fault is
          cleared. Options: ``burst`` (how many requests are accepted at once), ``code``.

        After a request is processed, one fault of each of these kinds can affect it:

        - ``fail_job``: the job fails when it ends. Options: ``code``, ``message``, ``videos`` (how many videos of a
          batch job, or outputs of any other kind of job, fail instead of the whole job).
        - ``callback``: the callback of the job is lost, repeated or delayed. Options: ``copies`` (1), how many times it
          is sent, from 0 to 100; ``delay`` (0), seconds of the job clock from the end of the job to the callback;
          ``jitter`` (0), the maximum of an additional random delay, which can change the order of callbacks.
        - ``redeliver``: each received message can be received again ``copies`` (1) times, with the same id.
        - ``unknown_state``: an undocumented job ``state``, in which a job remains if the request submits it.
        - ``odd_shape``: a modified response. Options: ``merge`` (fields to add or replace) and ``drop`` (names of
          fields to remove), or ``body`` (the whole response).
        - ``hang_after``, ``cut_after``: like ``hang`` and ``cut``, but after the request is processed.

        :param action: The action to affect, such as ``SubmitASRJob``, ``vod:UploadMediaByURL`` or
            ``smq:BatchReceiveMessage``; ``*`` for all actions of IMS and VOD; ``smq:*`` for all actions of SMQ.
        :param kind: One of the kinds above.
        :param count: How many requests to affect; None for all requests until the fault is cleared.
        :param share: The fraction of requests to affect, chosen at random; above 0 and at most 1.
        :param seed: The seed of the random choice.
        :param options: The options of the kind.
        :return: The fault. ``remaining`` is the number of requests that it still affects; None for no limit.
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
        Advance the job clock, which determines the progress of jobs, and return the new time in epoch seconds.

        :param seconds: How many seconds to advance the clock.
        :raises ValueError: If ``seconds`` is negative, or the clock would reach the year 9000.
        """
        return float(self._send("POST", "/advance", body={"seconds": seconds}))

    def add_jobs(
        self, kind: str, parameters: Mapping[str, str], seconds: Sequence[float], region: str | None = None
    ) -> list[str]:
        """
        Add one job for each duration, as if the jobs had just been submitted, and return the job ids.

        Use this for thousands of jobs or for jobs that end at different times. No requests are recorded.

        :param kind: The submit action, such as ``SubmitTextGenerateJob``.
        :param parameters: The parameters of each job, as in a submit request.
        :param seconds: The durations of the jobs, each from 0 to 1,000,000,000.
        :param region: The region of the jobs; default: the region of the emulator.
        :raises ValueError: If the kind, a duration or the region is invalid, or a submit request with these parameters
            would be rejected.
        """
        body = {"kind": kind, "parameters": dict(parameters), "seconds": list(seconds), "region": region}
        return cast("list[str]", self._send("POST", "/add_jobs", body=body))

    def finish(self, job_id: str) -> dict[str, Any]:
        """
        Make a job end successfully now, and return the job. A job that has already succeeded does not change.

        :raises KeyError: If the job does not exist.
        :raises ValueError: If the job has already failed.
        """
        return self._on_job("/finish", job_id)

    def fail(self, job_id: str, code: str = "InternalError", message: str = "The job failed.") -> dict[str, Any]:
        """
        Make a job fail now, and return the job. A job that has already failed with the same error does not change.

        :param code: The error code of the job.
        :param message: The error message of the job.
        :raises KeyError: If the job does not exist.
        :raises ValueError: If the job has already succeeded, or failed with another error.
        """
        return self._on_job("/fail", job_id, code=code, message=message)

    def fail_videos(
        self, job_id: str, count: int, code: str = "InternalError", message: str = "The job failed."
    ) -> dict[str, Any]:
        """
        Make parts of a job fail: the videos of a batch job, or the outputs of any other kind of job.

        The job itself does not fail.

        :param count: How many parts fail, starting with the first part.
        :param code: The error code of these parts.
        :param message: The error message of these parts.
        :raises KeyError: If the job does not exist.
        :raises ValueError: If the job has no such parts or fewer than ``count``, or ``count`` is negative.
        """
        return self._on_job("/fail_videos", job_id, count=count, code=code, message=message)

    def set_state(self, job_id: str, state: str | None) -> dict[str, Any]:
        """
        Set the state of a job, so that the state no longer depends on the job clock, and return the job.

        :param state: The name of the state in the service; None makes the state depend on the job clock again.
        :raises KeyError: If the job does not exist.
        """
        return self._on_job("/set_state", job_id, state=state)

    def callbacks(self, job_id: str | None = None) -> list[dict[str, Any]]:
        """
        Return the callbacks of jobs, in the order in which the emulator scheduled them.

        Each callback has ``job_id``, ``status``, ``event_type``, ``url`` (a URL or the name of a queue), ``message``
        (the body), ``tries`` (the attempts to send it), ``reason`` and ``copies``. The status is ``pending`` until the
        callback has been sent, then ``delivered`` or ``failed``: a callback to a URL fails after three attempts, and a
        callback to a queue after one. If the emulator does not send the callback, the status is ``refused`` or
        ``lost``, and ``reason`` contains the reason. Each attempt has ``time`` (real time in epoch seconds) and one of
        ``status`` (of the HTTP response), ``message_id`` (of the message in the queue) and ``error``.

        :param job_id: Return only the callback of this job.
        """
        return cast("list[dict[str, Any]]", self._send("GET", "/callbacks", job_id=job_id))

    def queues(self) -> list[dict[str, Any]]:
        """
        Return the SMQ queues, ordered by name.

        Each queue has ``name``, ``region`` and the numbers of its messages: ``active`` (visible), ``inactive``
        (received, and invisible until a timeout) and ``delayed`` (never received, and not visible yet).
        """
        return cast("list[dict[str, Any]]", self._send("GET", "/queues"))

    def messages(self, queue: str, region: str | None = None) -> list[dict[str, Any]]:
        """
        Return the messages in a queue, oldest first, without making them invisible.

        Each message has ``message_id``, ``body``, ``priority``, ``enqueued`` (when it was sent), ``visible`` (the time
        from which it can be received) and ``received`` (how many times it was received). Times are real
        times in epoch seconds.

        :param queue: The name of the queue.
        :param region: The region of the queue; default: the region of the emulator.
        :raises ValueError: If the name or the region is invalid. Also raised if the queue does not exist and the
            emulator was started with the option ``queues``.
        """
        return cast("list[dict[str, Any]]", self._send("GET", "/messages", queue=queue, region=region))

    def put_messages(self, queue: str, bodies: Sequence[str], region: str | None = None) -> list[str]:
        """
        Add messages to a queue, such as messages about jobs that other systems submitted, and return the message ids.

        :param queue: The name of the queue.
        :param bodies: The bodies of the messages. The emulator does not encode them in base64.
        :param region: The region of the queue; default: the region of the emulator.
        :raises ValueError: If the name or the region is invalid, or a body is empty or too large. Also raised if the
            queue does not exist and the emulator was started with the option ``queues``.
        """
        body = {"queue": queue, "bodies": list(bodies), "region": region}
        return cast("list[str]", self._send("POST", "/put_messages", body=body))

    def show_messages(self, queue: str, region: str | None = None) -> None:
        """
        Make all messages in a queue visible now, as if their visibility timeouts and delays had expired.

        :param queue: The name of the queue.
        :param region: The region of the queue; default: the region of the emulator.
        :raises ValueError: If the name or the region is invalid. Also raised if the queue does not exist and the
            emulator was started with the option ``queues``.
        """
        self._send("POST", "/show_messages", body={"queue": queue, "region": region})

    def reset(self) -> None:
        """Delete all jobs, resources, requests, callbacks, queues and faults, and set the clock to the real time."""
        self._send("POST", "/reset", body={})

    def health(self) -> dict[str, Any]:
        """Return ``{"status": "ok", "time": <job clock in epoch seconds>}``."""
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
        # http.client and not urllib, because urllib would use a proxy from the environment.
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self._cafile)
            return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=self._timeout)
