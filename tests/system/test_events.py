"""A DAG that the messages of a queue start, on a real Airflow whose triggerer is killed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.smq_events import QUEUE, body
from support.submits import SUBMITS, encoded
from support.waiting import CEILING

from local_airflow import EmulatorService, LocalAirflow, wait_until

pytestmark = pytest.mark.slow

DAG_ID = "events"
KIND = "SubmitMediaProducingJob"
RECEIVE, DELETE = "smq:BatchReceiveMessage", "smq:BatchDeleteMessage"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with EmulatorService(tmp_path_factory.mktemp("emulator"), "--quiet", "--clock", "manual") as service:
        yield service


@pytest.fixture(scope="module")
def airflow(service, tmp_path_factory):
    dags, home = Path(__file__).parent / "event_dags", tmp_path_factory.mktemp("airflow")
    config = {"scheduler": {"use_job_schedule": "True"}}
    with LocalAirflow(home, dags, env=service.airflow_env, config=config) as airflow:
        airflow.api.unpause(DAG_ID)
        wait_until("receiver of the queue", lambda: service.control.requests(RECEIVE), CEILING)
        yield airflow


def put(service, job_id):
    """Put a message about a job into the queue."""
    return service.control.put_messages(QUEUE, [body(job_id, user_data={"project": "shop"})])[0]


def received(service):
    return [one["received"] for one in service.control.messages(QUEUE)]


def collected(airflow):
    """Return the payloads that the successful runs of the DAG received, by message id, and their number."""
    runs = airflow.api.runs(DAG_ID, "success")
    found = [
        payload
        for run in runs
        for task in airflow.api.task_instances(DAG_ID, run)
        for payload in airflow.api.xcom(DAG_ID, run, task)
    ]
    return {payload["message_id"]: payload for payload in found}, len(found)


def wait_until_collected(airflow, message_id):
    wait_until("run of the DAG", lambda: message_id in collected(airflow)[0], CEILING)


def test_a_job_that_airflow_did_not_submit_starts_a_dag(airflow, service):
    user_data = json.dumps({"project": "shop", "NotifyAddress": QUEUE})
    parameters = {**encoded(SUBMITS["ice", KIND]), "UserData": user_data}
    (job_id,) = service.control.add_jobs(KIND, parameters, [60])
    service.control.advance(3600)

    def payloads():
        return [payload for payload in collected(airflow)[0].values() if job_id in payload["job_ids"]]

    wait_until("run of the DAG", payloads, CEILING)
    (payload,) = payloads()
    assert payload["event_type"] == "ProduceMediaComplete"
    assert payload["status"] == "success"
    assert payload["queue_name"] == QUEUE
    assert payload["message"]["MessageBody"]["JobId"] == job_id
    wait_until("deletion of the message", lambda: not received(service), CEILING)


def test_an_event_arrives_if_the_triggerer_is_killed_before_the_event_is_stored(airflow, service):
    # The first process of a triggerer stores the events; its child runs the triggers.
    supervisor, *_ = airflow.services["triggerer"].processes()
    supervisor.suspend()
    message_id = put(service, "killed-before")
    wait_until("receipt", lambda: received(service) == [1], CEILING)
    airflow.kill("triggerer")
    assert message_id not in collected(airflow)[0]
    assert received(service) == [1]

    service.control.show_messages(QUEUE)
    airflow.start()
    wait_until_collected(airflow, message_id)
    wait_until("deletion of the message", lambda: not received(service), CEILING)


def test_a_message_starts_no_second_run_if_the_triggerer_is_killed_before_the_message_is_deleted(airflow, service):
    service.control.fault(DELETE, "unavailable", count=None)
    failed = len(service.control.requests(DELETE))
    message_id = put(service, "killed-after")
    wait_until_collected(airflow, message_id)
    wait_until("attempt to delete", lambda: len(service.control.requests(DELETE)) > failed, CEILING)
    airflow.kill("triggerer")
    assert len(received(service)) == 1
    _, before = collected(airflow)

    service.control.clear_faults()
    service.control.show_messages(QUEUE)
    airflow.start()
    wait_until("deletion of the repeated message", lambda: not received(service), CEILING)
    # Events are stored in order, so an event of the repeated message would be stored before the next event.
    message_id = put(service, "next")
    wait_until_collected(airflow, message_id)
    assert collected(airflow)[1] == before + 1
