"""The Airflow metrics of the reader of a queue."""

from __future__ import annotations

import logging
from dataclasses import dataclass

log = logging.getLogger(__name__)

#: Seconds between two reports.
REPORT_EVERY = 10.0


@dataclass(slots=True)
class ReaderMetrics:
    """
    The metrics of a reader since its last report.

    :param ims_conn_id: The connection id.
    :param messages: The number of received messages, counting a message each time that it is received.
    :param used: The number of messages that a poller claimed.
    :param unused: The number of messages that were deleted although no poller claimed them.
    """

    ims_conn_id: str
    messages: int = 0
    used: int = 0
    unused: int = 0

    def report(self, seconds_since_receive: float) -> None:
        """
        Emit the metrics and reset them.

        :param seconds_since_receive: Seconds since the last successful request; since the start of the reader if no
            request has succeeded since then.
        """
        # Imported lazily: importing it takes 0.1 s, and only triggerers need it.
        from airflow.providers.common.compat.sdk import Stats

        values = {
            "seconds_since_receive": seconds_since_receive,
            "messages": self.messages,
            "hints_used": self.used,
            "hints_unused": self.unused,
        }
        for name, value in values.items():
            Stats.gauge(f"ims.smq.{name}", value, tags={"conn_id": self.ims_conn_id})
        log.debug("Messages in the last %.0f s: %s", REPORT_EVERY, values)
        self.messages = self.used = self.unused = 0
