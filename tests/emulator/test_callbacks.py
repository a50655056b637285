"""The actions that set callbacks, and the messages that are sent when jobs end."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_vod20170321 import models as vod_models
from support.emulated import add_jobs
from support.receiver import Receiver, processed
from support.submits import SUBMITS, encoded

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.table import JOB_KINDS

if TYPE_CHECKING:
    from alibabacloud_ice20201109.client import Client as IceClient
    from alibabacloud_vod20170321.client import Client as VodClient
    from support.emulated import SignedClient

TEXT, BATCH, IMAGE = "SubmitTextGenerateJob", "SubmitBatchMediaProducingJob", "SubmitAIImageJob"
PRODUCING, AUDIT = "SubmitMediaProducingJob", "SubmitAIMediaAuditJob"
SET, GET = "SetEventCallback", "GetEventCallback"
SET_VOD, GET_VOD, DELETE_VOD = "SetMessageCallback", "GetMessageCallback", "DeleteMessageCallback"
ICE_EXAMPLE = {
    "CallbackType": "HTTP",
    "CallbackURL": "http://xxx.yyy/callback",
    "EventTypeList": "ProduceMediaComplete",
    "AuthSwitch": "on",
    "AuthKey": "TestKey001",
}
VOD_EXAMPLE = {
    "CallbackType": "HTTP",
    "CallbackURL": "http://developer.aliyundoc.com",
    "EventTypeList": "FileUploadComplete",
    "AuthSwitch": "on",
    "AuthKey": "Dsf346dvet",
    "AppId": "app-1000000",
}


# The actions.


def test_the_example_of_the_ims_documentation_is_stored_and_returned(call: Callable[..., Any], ice: IceClient) -> None:
    assert ice.set_event_callback(ice_models.SetEventCallbackRequest().from_map(ICE_EXAMPLE)).body.success is True
    body = ice.get_event_callback().body.to_map()
    assert body.pop("RequestId")
    assert body == ICE_EXAMPLE


def test_the_example_of_the_vod_documentation_is_stored_returned_and_deleted(vod: VodClient) -> None:
    vod.set_message_callback(vod_models.SetMessageCallbackRequest().from_map(VOD_EXAMPLE))
    get = vod_models.GetMessageCallbackRequest()
    assert vod.get_message_callback(get).body.message_callback.to_map() == VOD_EXAMPLE
    vod.delete_message_callback(vod_models.DeleteMessageCallbackRequest())
    assert vod.get_message_callback(get).body.message_callback.to_map() == {}


def test_only_the_settings_of_the_callback_type_are_returned(call: Callable[..., Any]) -> None:
    queue = {"CallbackQueueName": "ice-callback-queue"}
    call(SET, {**ICE_EXAMPLE, **queue, "CallbackType": "MNS"})
    assert {**call(GET), "RequestId": ""} == {
        "RequestId": "",
        "CallbackType": "MNS",
        "EventTypeList": "ProduceMediaComplete",
        **queue,
    }
    vod_queue = {"MnsQueueName": "vodcallback", "MnsEndpoint": "http://1234567.mns.cn-shanghai.aliyuncs.com/"}
    call(SET_VOD, {**VOD_EXAMPLE, **vod_queue, "CallbackType": "MNS"})
    assert call(GET_VOD)["MessageCallback"] == {
        "AppId": "app-1000000",
        "CallbackType": "MNS",
        "EventTypeList": "FileUploadComplete",
        **vod_queue,
    }


def test_without_settings_the_response_is_empty(call: Callable[..., Any]) -> None:
    assert set(call(GET)) == {"RequestId"}
    assert call(GET_VOD)["MessageCallback"] == {}


@pytest.mark.parametrize(
    ("changes", "code", "name"),
    [
        ({"CallbackURL": ""}, "MissingParameter", "CallbackURL"),
        ({"CallbackType": "MNS"}, "MissingParameter", "CallbackQueueName"),
        ({"CallbackType": "SMS"}, "InvalidParameter", "CallbackType"),
        ({"CallbackURL": "http://a/" + "b" * 248}, "InvalidParameter", "CallbackURL"),
        ({"CallbackURL": "ftp://a/b"}, "InvalidParameter", "CallbackURL"),
        ({"CallbackURL": "http://[a"}, "InvalidParameter", "CallbackURL"),
        ({"CallbackURL": "http://a:99999/"}, "InvalidParameter", "CallbackURL"),
        ({"CallbackQueueName": "callback-queue"}, "InvalidParameter", "CallbackQueueName"),
        ({"AuthSwitch": "yes"}, "InvalidParameter", "AuthSwitch"),
        ({"AuthKey": "testkey001"}, "InvalidParameter", "AuthKey"),
        ({"AuthKey": "TestKey"}, "InvalidParameter", "AuthKey"),
        ({"AuthKey": "TestKey001" + "x" * 23}, "InvalidParameter", "AuthKey"),
    ],
)
def test_invalid_settings_are_rejected(send: SignedClient, changes: dict[str, str], code: str, name: str) -> None:
    status, body = send(SET, {**ICE_EXAMPLE, **changes})
    assert (status, body["Code"]) == (400, code)
    assert name in body["Message"]


def test_the_authentication_key_is_not_recorded(emulator: ImsEmulator, call: Callable[..., Any]) -> None:
    call(SET, ICE_EXAMPLE)
    assert "AuthKey" not in emulator.requests(SET)[0]["parameters"]


# The messages.


def test_a_batch_job_notifies_the_address_in_its_user_data_when_the_clock_ends_it(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str]
) -> None:
    user_data = {"NotifyAddress": f"{receiver.url}/done?a=1", "Key": "欢迎"}
    job_id = start(BATCH, user_data)
    emulator.advance(5.9)
    assert emulator.callbacks(job_id)[0]["status"] == "pending"
    ended = emulator.advance(0.2)
    (callback,) = receiver.wait()
    assert callback.path == "/done?a=1"
    assert callback.headers["content-type"] == "application/json"
    assert "x-ice-signature" not in callback.headers
    time_text = callback.message["EventTime"]
    assert abs(datetime.strptime(time_text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp() - ended) < 2
    assert callback.message == {
        "EventType": "BatchProduceMediaComplete",
        "UserId": int(emulator.settings.account_id),
        "EventTime": time_text,
        "MessageBody": {"Status": "Finished", "JobId": job_id, "UserData": json.dumps(user_data)},
    }
    record = processed(emulator, job_id)
    assert record == {
        "job_id": job_id,
        "status": "delivered",
        "event_type": "BatchProduceMediaComplete",
        "url": f"{receiver.url}/done?a=1",
        "message": callback.message,
        "tries": [{"time": record["tries"][0]["time"], "status": 200}],
        "reason": None,
        "copies": 1,
    }


@pytest.mark.parametrize("succeeds", [True, False])
def test_a_media_producing_job_sends_the_documented_fields(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str], call: Callable[..., Any], succeeds: bool
) -> None:
    job_id = start(PRODUCING, {"NotifyAddress": receiver.url})
    if succeeds:
        emulator.finish(job_id)
    else:
        emulator.fail(job_id, "InvalidMedia", "No.")
    (callback,) = receiver.wait()
    job = call("GetMediaProducingJob", {"JobId": job_id})["MediaProducingJob"]
    assert callback.message["EventType"] == "ProduceMediaComplete"
    assert callback.message["MessageBody"] == {
        "Status": "Success" if succeeds else "Fail",
        "MediaURL": job["MediaURL"] if succeeds else "",
        "MediaId": job["MediaId"],
        "ProjectId": job["ProjectId"],
        "ErrorCode": "" if succeeds else "InvalidMedia",
        "ErrorMessage": "" if succeeds else "No.",
        "JobId": job_id,
        "UserData": json.dumps({"NotifyAddress": receiver.url}),
    }


def test_a_smart_job_sends_an_event_with_an_assumed_name(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str]
) -> None:
    job_id = start(TEXT, {"NotifyAddress": receiver.url})
    emulator.fail(job_id, "BadWords", "No.")
    (callback,) = receiver.wait()
    assert callback.message["EventType"] == "AssumedJobComplete"
    body = callback.message["MessageBody"]
    assert (body["Status"], body["JobId"], body["ErrorCode"]) == ("Failed", job_id, "BadWords")


def test_a_vod_job_notifies_the_address_in_its_user_data_if_the_event_is_enabled(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str], call: Callable[..., Any]
) -> None:
    user_data = {"MessageCallback": {"CallbackURL": f"{receiver.url}/own"}, "Extend": {"localId": "x"}}
    emulator.finish(start(AUDIT, user_data))
    assert emulator.callbacks() == []
    call(SET_VOD, {**VOD_EXAMPLE, "EventTypeList": "TranscodeComplete"})
    emulator.finish(start(AUDIT, user_data))
    call(SET_VOD, {**VOD_EXAMPLE, "EventTypeList": "TranscodeComplete, AIMediaAuditComplete"})
    third = start(AUDIT, user_data)
    emulator.finish(third)
    (callback,) = receiver.wait()
    assert processed(emulator, third)["status"] == "delivered"
    assert callback.path == "/own"
    assert {**callback.message, "EventTime": ""} == {
        "EventTime": "",
        "EventType": "AIMediaAuditComplete",
        "JobId": third,
        "MediaId": "m",
        "Status": "success",
        "Code": "0",
        "Message": "OK",
        "Data": callback.message["Data"],
        "Extend": '{"localId":"x"}',
    }
    assert callback.message["Data"]["Suggestion"] == "pass"
    assert [callback["job_id"] for callback in emulator.callbacks()] == [third]


@pytest.mark.parametrize("enabled", ["ALL", "AIComplete", "AssumedJobComplete"])
def test_an_ai_image_job_sends_an_event_with_an_assumed_name(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str], call: Callable[..., Any], enabled: str
) -> None:
    call(SET_VOD, {**VOD_EXAMPLE, "CallbackURL": receiver.url, "EventTypeList": enabled})
    job_id = start(IMAGE, {"Extend": "text"})
    emulator.fail(job_id, "NoFrame", "No.")
    (callback,) = receiver.wait()
    message = callback.message
    assert (message["EventType"], message["JobId"], message["Status"]) == ("AssumedJobComplete", job_id, "fail")
    assert (message["Code"], message["Message"], message["Extend"]) == ("NoFrame", "No.", "text")


@pytest.mark.parametrize(
    ("action", "event_type", "id_in"),
    [
        ("SubmitTranscodeJobs", "TranscodeComplete", lambda message: message["StreamInfos"][0]["JobId"]),
        ("vod:SubmitSnapshotJob", "SnapshotComplete", lambda message: message["SnapshotInfos"][0]["JobId"]),
        ("SubmitWorkflowJob", "WorkflowTaskComplete", lambda message: message["TaskId"]),
        ("SubmitAIJob", "AIVideoTagComplete", lambda message: message["JobId"]),
        ("ProduceEditingProjectVideo", "ProduceMediaComplete", lambda message: message["MediaId"]),
        ("vod:UploadMediaByURL", "UploadByURLComplete", lambda message: message["VideoId"]),
        ("vod:UploadStreamByURL", "UploadByURLComplete", lambda message: message["JobId"]),
    ],
)
def test_other_vod_jobs_send_their_documented_event(
    emulator: ImsEmulator,
    receiver: Receiver,
    call: Callable[..., Any],
    action: str,
    event_type: str,
    id_in: Callable[[Any], str],
) -> None:
    call(SET_VOD, {**VOD_EXAMPLE, "CallbackURL": receiver.url, "EventTypeList": event_type})
    (job_id,) = emulator.add_jobs(action, encoded(SUBMITS["vod", JOB_KINDS[action].submit]), [1])
    emulator.finish(job_id)
    (callback,) = receiver.wait()
    assert (callback.message["EventType"], callback.message["Status"]) == (event_type, "success")
    assert len(id_in(callback.message)) == 32


def test_every_kind_of_job_sends_a_message_whether_it_succeeds_or_fails(
    emulator: ImsEmulator, receiver: Receiver, call: Callable[..., Any]
) -> None:
    call(SET, {**ICE_EXAMPLE, "CallbackURL": receiver.url, "EventTypeList": "ALL"})
    call(SET_VOD, {**VOD_EXAMPLE, "CallbackURL": receiver.url, "EventTypeList": "ALL"})
    for kind in JOB_KINDS.values():
        good = encoded(SUBMITS[kind.family.product.ram_code, kind.submit])
        succeeding, failing = add_jobs(emulator, kind, good, [1, 1])
        emulator.finish(succeeding)
        emulator.fail(failing, "Bad", "bad")
    assert len(receiver.wait(2 * len(JOB_KINDS))) == 2 * len(JOB_KINDS)
    assert {processed(emulator, job["job_id"])["status"] for job in emulator.jobs()} == {"delivered"}


# The settings of the region.


def test_the_settings_of_the_region_send_signed_callbacks_for_the_listed_events(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str], call: Callable[..., Any]
) -> None:
    url = f"{receiver.url}/callback"
    settings = {**ICE_EXAMPLE, "CallbackURL": url, "EventTypeList": "ProduceMediaComplete,BatchProduceMediaComplete"}
    before = start(BATCH)
    call(SET, settings)
    unlisted, listed = start(TEXT), start(BATCH)
    for job_id in (before, unlisted, listed):
        emulator.finish(job_id)
    callbacks = receiver.wait(2)
    assert {callback.message["MessageBody"]["JobId"] for callback in callbacks} == {before, listed}
    for callback in callbacks:
        timestamp = callback.headers["x-ice-timestamp"]
        assert abs(int(timestamp) - time.time()) < 600
        expected = hashlib.md5(f"{url}|{timestamp}|TestKey001".encode()).hexdigest()
        assert callback.headers["x-ice-signature"] == expected
    assert emulator.callbacks(unlisted) == []


def test_the_address_of_a_job_replaces_that_of_the_region(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str], call: Callable[..., Any]
) -> None:
    call(SET, {**ICE_EXAMPLE, "CallbackURL": f"{receiver.url}/region", "EventTypeList": "BatchProduceMediaComplete"})
    job_id = start(BATCH, {"NotifyAddress": f"{receiver.url}/job"})
    emulator.finish(job_id)
    assert processed(emulator, job_id)["status"] == "delivered"
    assert [callback.path for callback in receiver.received] == ["/job"]
    assert "x-ice-signature" in receiver.received[0].headers


def test_vod_signs_with_its_own_headers_unless_authentication_is_off(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str], call: Callable[..., Any]
) -> None:
    settings = {**VOD_EXAMPLE, "CallbackURL": receiver.url, "EventTypeList": "ALL"}
    call(SET_VOD, settings)
    emulator.finish(start(IMAGE, {"Extend": {}}))
    signed = receiver.wait()[0].headers
    text = f"{receiver.url}|{signed['x-vod-timestamp']}|Dsf346dvet"
    assert signed["x-vod-signature"] == hashlib.md5(text.encode()).hexdigest()
    call(SET_VOD, {**settings, "AuthSwitch": "off"})
    emulator.finish(start(IMAGE, {"Extend": {}}))
    assert "x-vod-signature" not in receiver.wait(2)[1].headers


def test_deleted_settings_send_no_callback(
    emulator: ImsEmulator, receiver: Receiver, start: Callable[..., str], call: Callable[..., Any]
) -> None:
    call(SET_VOD, {**VOD_EXAMPLE, "CallbackURL": receiver.url, "EventTypeList": "ALL"})
    job_id = start(IMAGE, {"Extend": {}})
    call(DELETE_VOD)
    emulator.finish(job_id)
    call(SET, {**ICE_EXAMPLE, "CallbackURL": receiver.url, "EventTypeList": "ALL"})
    emulator.finish(start(TEXT))
    assert [callback.message.get("JobId") for callback in receiver.wait()] == [None]
    assert emulator.callbacks(job_id) == []
