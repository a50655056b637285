from __future__ import annotations

import subprocess
import sys

import pytest
from airflow.providers.common.messaging.triggers.msg_queue import MessageQueueTrigger
from airflow.providers_manager import ProvidersManager
from airflow.sdk import AssetWatcher
from support.compat import encode_trigger
from support.waiting import CEILING

from airflow_provider_ims.get_provider_info import get_provider_info
from airflow_provider_ims.queues.smq import SmqMessageQueueProvider
from airflow_provider_ims.triggers.smq import SmqEventTrigger

ARGUMENTS = {"queue_name": "ice-callback-q", "ims_conn_id": "other", "statuses": ["success"]}


def test_airflow_finds_the_provider() -> None:
    (path,) = get_provider_info()["queues"]
    assert path == f"{SmqMessageQueueProvider.__module__}.{SmqMessageQueueProvider.__qualname__}"
    assert path in ProvidersManager().queue_class_names


def test_the_scheme_returns_the_trigger_of_a_queue() -> None:
    trigger = MessageQueueTrigger(scheme="smq", **ARGUMENTS)
    assert isinstance(trigger.trigger, SmqEventTrigger)
    assert trigger.serialize() == SmqEventTrigger(**ARGUMENTS).serialize()


def test_a_watcher_stores_the_trigger_of_the_queue() -> None:
    watcher = AssetWatcher("w", trigger=MessageQueueTrigger(scheme="smq", **ARGUMENTS))
    assert encode_trigger(watcher.trigger)["classpath"] == "airflow_provider_ims.triggers.smq.SmqEventTrigger"


def test_invalid_arguments_are_rejected() -> None:
    with pytest.raises(TypeError, match="queue_name"):
        MessageQueueTrigger(scheme="smq").serialize()


def test_without_the_messaging_package_of_airflow_the_error_contains_the_extra() -> None:
    code = """
import sys
sys.modules["airflow.providers.common.messaging.providers.base_provider"] = None
from airflow.providers.common.compat.sdk import AirflowOptionalProviderFeatureException
try:
    import airflow_provider_ims.queues.smq
except AirflowOptionalProviderFeatureException as error:
    print(error)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=CEILING)
    assert 'pip install "airflow-provider-ims[smq]"' in run.stdout
