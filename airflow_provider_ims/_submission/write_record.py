"""The record of an action other than a submit, which a task run sends once (Airflow 3.3 and later)."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from airflow_provider_ims._submission.record import STORE_KEY, SubmissionRecord, new_record

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """
    The record of one action of a task run. All tries share it; a clear starts a new one.

    :param record: The record; ``None`` without a task instance, as in a test that calls ``execute()``.
    :param store: The task state store; ``None`` before Airflow 3.3.
    """

    record: SubmissionRecord | None
    store: Any

    @classmethod
    def read(cls, action: str, context: Context) -> WriteRecord:
        """Return the record of an earlier try, or a new one."""
        if context.get("ti") is None:
            return cls(None, None)
        store: Any = context.get("task_state_store")
        record = new_record(action, context, time.time(), recorded=store is not None)
        old = SubmissionRecord.read(store.get(STORE_KEY)) if store is not None else None
        if old is not None and (old.action, old.max_tries) == (record.action, record.max_tries):
            return cls(old, store)
        return cls(record, store)

    @property
    def client_token(self) -> str:
        """The ClientToken of all tries. With a store, another deployment or a recreated DAG run has another token."""
        return uuid.uuid4().hex if self.record is None else self.record.run

    @property
    def sent_at(self) -> float | None:
        """The time of an earlier request whose response is unknown, in epoch seconds; ``None`` if there was none."""
        if self.record is None or self.store is None or not self.record.unanswered_submits:
            return None
        return self.record.submitted_at

    def begin(self) -> None:
        """Record that the action is about to be sent. If this fails, it must not be sent."""
        if self.store is not None and self.record is not None:
            self.store.set(STORE_KEY, asdict(replace(self.record, submitted_at=time.time(), unanswered_submits=1)))

    def reject(self) -> None:
        """Record that the action had no effect."""
        try:
            if self.store is not None and self.record is not None:
                self.store.set(STORE_KEY, asdict(replace(self.record, unanswered_submits=0)))
        except Exception as error:  # noqa: BLE001 - a second error must not hide the first one
            log.warning("The record of the action could not be updated: %s", error)
