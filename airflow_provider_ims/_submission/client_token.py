"""The ClientToken of an action other than a submit: it is the same in all tries of a task run."""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_ims._submission.record import STORE_KEY, SubmissionRecord, new_record

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context


def client_token(action: str, context: Context) -> str:
    """
    Return the token that a task run sends with an action, so that the action takes effect once. A clear changes it.

    With a task state store (Airflow 3.3 and later), the token is also unique among deployments and among DAG runs that
    were deleted and created again.
    """
    # Without a task instance, as in a test that calls execute(), there is no other try.
    if context.get("ti") is None:
        return uuid.uuid4().hex
    store: Any = context.get("task_state_store")
    record = new_record(action, context, time.time(), recorded=store is not None)
    if store is not None:
        old = SubmissionRecord.read(store.get(STORE_KEY))
        if old is not None and (old.action, old.max_tries) == (record.action, record.max_tries):
            return old.run
        store.set(STORE_KEY, asdict(record))
    return record.run
