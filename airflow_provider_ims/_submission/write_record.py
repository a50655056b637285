"""
Records that an action was sent, so that a retry does not repeat its effect (Airflow 3.3 and later).

The record is used for actions that submit no job and are not read-only.
"""

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
    The record of one action of a task run. All tries share the record; clearing the task starts a new record.

    :param record: The record; ``None`` if the context contains no task instance, as in a test that calls ``execute()``.
    :param store: The task state store; ``None`` if there is none, as before Airflow 3.3.
    """

    record: SubmissionRecord | None
    store: Any

    @classmethod
    def read(cls, action: str, context: Context) -> WriteRecord:
        """Return the record of an earlier try, or a new record."""
        if context.get("ti") is None:
            return cls(None, None)
        store: Any = context.get("task_state_store")
        record = new_record(action, context, time.time(), recorded=store is not None)
        old = SubmissionRecord.read(store.get(STORE_KEY)) if store is not None else None
        if old is not None and (old.action, old.max_tries) == (record.action, record.max_tries):
            return cls(old, store)
        return cls(record, store)

    def client_token(self, given: str | None) -> str:
        """
        Return the ClientToken to send: the token that an earlier try sent, the user's own token, or a generated token.

        The earlier token has priority, because a token that is rendered differently in each try cannot prevent the
        action from taking effect twice. With a store, the generated token differs between deployments and between
        recreated DAG runs.

        :param given: The user's own token; ``None`` if there is none.
        """
        record = self.record
        sent = record.token if record is not None and self.sent_at is not None else None
        if sent is not None and given not in (None, sent):
            log.warning("Sending the ClientToken %s of an earlier try again, instead of %s", sent, given)
        return sent or given or (uuid.uuid4().hex if record is None else record.run)

    @property
    def sent_at(self) -> float | None:
        """
        The time at which an earlier try sent the action.

        ``None`` if no try is known to have sent it, or if the service rejected the action.
        """
        if self.record is None or self.store is None or not self.record.unanswered_submits:
            return None
        return self.record.submitted_at

    @property
    def answered(self) -> bool:
        """Whether an earlier try received a successful response, so that the action has taken effect."""
        return self.record is not None and self.store is not None and self.record.accepted_without_id

    def begin(self, token: str | None) -> None:
        """
        Record the ClientToken, if any, and that the action is about to be sent.

        If this method raises an error, the action must not be sent.
        """
        self._write(submitted_at=time.time(), unanswered_submits=1, token=token, required=True)

    def reject(self) -> None:
        """Restore the stored record from before the action was sent, because the service rejected the action."""
        self._write()

    def succeed(self, token: str | None) -> None:
        """Record that the action has taken effect."""
        self._write(submitted_at=time.time(), unanswered_submits=1, token=token, accepted_without_id=True)

    def _write(self, *, required: bool = False, **changes: Any) -> None:
        try:
            if self.store is not None and self.record is not None:
                self.store.set(STORE_KEY, asdict(replace(self.record, **changes)))
        except Exception as error:
            # After the request is sent, an error of the store must not hide the result of the request.
            if required:
                raise
            log.warning("The record of the action could not be updated: %s", error)
