"""The signed URLs that the emulator returns, and the URLs that the SDK of OSS presigns."""

from __future__ import annotations

import json
from email.message import Message
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import pytest
from support.emulated import GOOD_REQUESTS
from support.waiting import CEILING

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsPermissionError, ImsRequestError, ImsUnavailableError
from airflow_provider_ims.hooks._base import AlibabaCloudMediaHook
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook
from airflow_provider_ims.media import _signing
from airflow_provider_ims.media._signing import (
    BY_ADDRESS,
    BY_ID,
    Lookup,
    _checked,
    _matching,
    playable_address,
    poster_address,
    read_subtitles,
)
from airflow_provider_ims.media._view import MediaFile, job_view

BUCKET = "http://your-bucket.oss-cn-shanghai.aliyuncs.com"


@pytest.fixture(autouse=True)
def no_responses_of_other_tests() -> None:
    _signing._responses.clear()


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_signing, "can_presign", lambda: False)


def images(hook: AlibabaCloudMediaHook) -> list[MediaFile]:
    """Submit an AI image job, and return its images."""
    job_id = hook.call("SubmitAIImageJob", GOOD_REQUESTS["SubmitAIImageJob"])["JobId"]
    (job,) = hook.call("GetAIImageJobs", {"JobIds": job_id})["AIImageJobList"]
    result = {"video_id": job["VideoId"], "images": json.loads(job["AIImageResult"])}
    return job_view(result, ids_are_outputs=False).files


def headers_at(address: str) -> Message:
    """Return the headers of a file."""
    with urlopen(address, timeout=CEILING) as response:
        headers: Message = response.headers
    return headers


def test_the_images_of_a_video_are_signed_with_one_request(ims_emulator: ImsEmulator) -> None:
    found = images(VodHook("ims_default"))
    assert len(found) > 1
    for image in found:
        address = playable_address(VodHook("ims_default"), image)
        assert image.address is not None
        assert urlsplit(address).path.endswith(urlsplit(image.address).path)
        assert headers_at(address)["content-type"] == "image/gif"
    assert len(ims_emulator.requests("ListAIImageInfo")) == 1


def test_a_response_is_reused_only_for_a_short_time(ims_emulator: ImsEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    (image, *_) = images(VodHook("ims_default"))
    now = 0.0
    monkeypatch.setattr(_signing.time, "monotonic", lambda: now)
    for now in (0.0, _signing.REUSED - 1, _signing.REUSED + 1):  # noqa: B007 - the clock reads it
        playable_address(VodHook("ims_default"), image)
    assert len(ims_emulator.requests("ListAIImageInfo")) == 2


def test_an_object_is_presigned(ims_emulator: ImsEmulator) -> None:
    hook = ImsHook("ims_default")
    request = GOOD_REQUESTS["SubmitAudioProduceJob"]
    hook.call("SubmitAudioProduceJob", request)
    output = json.loads(request["OutputConfig"])
    extension = json.loads(request["EditingConfig"])["format"].lower()
    for address in (
        f"oss://{output['bucket']}/{output['object']}.{extension}",
        f"http://{output['bucket']}.oss-cn-shanghai.aliyuncs.com/{output['object']}.{extension}",
    ):
        signed = playable_address(hook, MediaFile("audio", address))
        assert urlsplit(signed).netloc == ims_emulator.endpoint
        assert headers_at(signed)["content-type"].startswith("audio/")
        assert 0 < int(parse_qs(urlsplit(signed).query)["x-oss-expires"][0]) <= 3600


def test_subtitles_are_read_from_oss(ims_emulator: ImsEmulator) -> None:
    hook = ImsHook("ims_default")
    parameters = {
        "InputConfig": {"Type": "Video", "Video": "1628ae20c368f6f7c77a6302"},
        "OutputConfig": {"MediaURL": f"{BUCKET}/out.mp4"},
        "EditingConfig": {"SourceLanguage": "zh", "TargetLanguage": "en"},
        "Title": "Cake",
    }
    job_id = hook.call("SubmitVideoTranslationJob", parameters)["Data"]["JobId"]
    result = hook.call("GetSmartHandleJob", {"JobId": job_id})["JobResult"]
    (subtitles,) = (
        file for file in job_view({"result": result}, ids_are_outputs=True).files if file.kind == "subtitles"
    )
    text = read_subtitles(hook, subtitles)
    assert "00:00:00,000 -->" in text
    assert "Cake" in text


@pytest.mark.parametrize(
    "file", [MediaFile("subtitles", "http://127.0.0.1:1/a.srt"), MediaFile("video", f"{BUCKET}/a.mp4")]
)
def test_only_subtitles_in_oss_are_read(file: MediaFile, ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError, match="is not a subtitle file in OSS"):
        read_subtitles(ImsHook("ims_default"), file)


def test_missing_subtitles_are_reported_without_their_signature(ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsUnavailableError, match="HTTP status 404") as caught:
        read_subtitles(ImsHook("ims_default"), MediaFile("subtitles", f"{BUCKET}/missing.srt"))
    assert "x-oss-signature" not in str(caught.value)


UNUSUAL = [
    None,
    "",
    7,
    ["a"],
    {"a": 1},
    "https://[x/a.mp4",
    "a.mp4",
    "oss://b/a.mp4",
    "https://h/\ud800.mp4",
    "https://@/",
]


def test_only_addresses_of_the_file_are_chosen_from_a_response() -> None:
    found = [*UNUSUAL, "https://h/other.mp4", "https://h/dir/a.mp4?auth_key=k"]
    assert list(_matching(MediaFile("video", "oss://b/a.mp4"), iter(found))) == [
        "oss://b/a.mp4",
        "https://h/dir/a.mp4?auth_key=k",
    ]
    for address in _matching(MediaFile("video", media_id="m"), iter(found)):
        address.encode()


@pytest.mark.parametrize(
    "address", ["https://[x/a.mp4", "oss://b/a.mp4", "javascript:alert(1)", "", "https://@/a", "a"]
)
def test_an_unsafe_address_is_not_opened(address: str) -> None:
    with pytest.raises(ImsRequestError, match="not a valid http or https URL"):
        _checked(address)


def test_an_address_outside_of_oss_is_returned_unchanged(ims_emulator: ImsEmulator) -> None:
    address = "https://cdn.example.com/a.mp4?quality=1"
    assert playable_address(VodHook("ims_default"), MediaFile("video", address)) == address


@pytest.mark.parametrize("address", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "https:///x"])
def test_only_http_addresses_are_returned(address: str, ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError, match="not a valid http or https URL"):
        playable_address(VodHook("ims_default"), MediaFile("video", address))


def test_a_denied_action_does_not_affect_an_address_outside_of_oss(ims_emulator: ImsEmulator) -> None:
    for action in ("GetMediaInfo", "GetPlayInfo"):
        ims_emulator.fault(action, "deny")
    address = "https://example.com/a.png"
    assert playable_address(ImsHook(), MediaFile("image", address)) == address
    assert not ims_emulator.faults()


def test_the_error_for_a_denied_action_contains_its_name(ims_emulator: ImsEmulator) -> None:
    (image, *_) = images(VodHook("ims_default"))
    ims_emulator.fault("ListAIImageInfo", "deny")
    with pytest.raises(ImsPermissionError, match="vod:ListAIImageInfo") as caught:
        playable_address(VodHook("ims_default"), image)
    assert caught.value.request_id is not None
    assert caught.value.request_id in str(caught.value)


@pytest.mark.usefixtures("without_extra")
def test_without_the_sdk_of_oss_the_error_contains_what_to_install(ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError, match=r"pip install 'airflow-provider-ims\[media\]'"):
        playable_address(VodHook("ims_default"), MediaFile("video", f"{BUCKET}/unknown.mp4"))


def test_an_invalid_bucket_is_rejected(ims_emulator: ImsEmulator) -> None:
    with pytest.raises(ImsRequestError, match="cannot be presigned"):
        playable_address(VodHook("ims_default"), MediaFile("video", "oss://b/a.mp4"))


def test_a_video_without_a_media_asset_has_no_poster(ims_emulator: ImsEmulator) -> None:
    for hook in (ImsHook("ims_default"), VodHook("ims_default")):
        assert poster_address(hook, MediaFile("video", f"{BUCKET}/a.mp4", media_id="m", video_id="v")) is None


def test_the_poster_of_a_video_is_the_cover_of_its_media_asset(ims_emulator: ImsEmulator) -> None:
    hook = ImsHook("ims_default")
    asset = {"InputURL": f"{BUCKET}/a.mp4", "CoverURL": f"{BUCKET}/cover.png"}
    media_id = hook.call("RegisterMediaInfo", asset)["MediaId"]
    for file in (MediaFile("video", media_id=media_id), MediaFile("video", f"{BUCKET}/a.mp4")):
        poster = poster_address(hook, file)
        assert poster is not None
        assert urlsplit(poster).path.endswith("/cover.png")


@pytest.mark.parametrize("lookup", [*BY_ID, *BY_ADDRESS], ids=lambda lookup: lookup.action)
def test_each_lookup_uses_a_read_action_of_the_api(lookup: Lookup) -> None:
    action = lookup.product.actions[lookup.action]
    assert lookup.parameter in action.parameters
    assert action.reads
