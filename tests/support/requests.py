"""The documented example request of every job kind."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from airflow_provider_ims.emulator.api.model import JobKind
from airflow_provider_ims.emulator.api.operations import ACTIONS

FIXTURES = Path(__file__).parent.parent / "emulator" / "fixtures"

_VIDEO = {"MediaURL": "http://test-bucket.oss-cn-shanghai.aliyuncs.com/test.mp4"}

_STORAGE = {"StorageLocation": "bucket.oss-cn-shanghai.aliyuncs.com", "FileName": "output.mp4"}
_SIZED = {**_STORAGE, "Width": 640, "Height": 480, "Bitrate": 1000, "VodTemplateGroupId": "VOD_NO_TRANSCODE"}

#: Values for examples that are missing from the documentation or invalid: (key, parameter) -> value.
CORRECTED: dict[tuple[str, str], Any] = {
    # A comma is missing between two texts.
    ("SubmitBatchMediaProducingJob", "InputConfig"): {
        "MediaGroupArray": [
            {"GroupName": "MediaGroup1", "MediaArray": ["****9d46c886b45481030f6e****"]},
            {"GroupName": "MediaGroup2", "MediaArray": ["****d46c886810b454930f6e****"]},
        ],
        "TitleArray": ["回龙观盒马鲜生开业啦", "盒马鲜生开业啦"],
        "SpeechTextArray": ["附近的商场新开了一家盒马鲜生", "商场里的人不少"],
    },
    # Instead of a value, the example refers to a guide.
    ("SubmitMediaProducingJob", "ClipsParam"): {"VideoArray": ["****05512043f49f697f7425****"]},
}

#: Changed parameters of a second request. The response to it contains the documented fields that are missing from the
#: response to the example.
VARIANTS: dict[str, dict[str, Any]] = {
    "SubmitTextGenerateJob": {"Type": "StoryboardScript", "GenerateConfig": {"originText": "A new cake shop"}},
    "SubmitMediaProducingJob": {"OutputMediaTarget": "vod-media", "OutputMediaConfig": _STORAGE},
    "SubmitLiveEditingJob": {"OutputMediaTarget": "vod-media", "OutputMediaConfig": _SIZED},
    "SubmitProjectExportJob": {"ExportType": "AdobePremierePro"},
}


def example(key: str, part: str) -> dict[str, Any]:
    """Return the example ``request`` or ``response`` of an action."""
    path = FIXTURES / ACTIONS[key].product.ram_code / f"{key.rpartition(':')[2]}.json"
    content: dict[str, Any] = json.loads(path.read_text())[part]
    return content


def documented_requests(kind: JobKind) -> list[dict[str, str]]:
    """Return the documented example request of a kind, and its variant in ``VARIANTS`` if there is one."""
    request = {
        name: _first_object(value) if kind.parameters[name].type in ("object", "array") else value
        for name, value in example(kind.key, "request").items()
        if name in kind.parameters
    }
    request |= {name: value for (key, name), value in CORRECTED.items() if key == kind.key}
    if kind.submit == "SubmitMediaConvertJob":
        # The page on the configuration contains no complete example, but the example of the response contains one.
        request["Config"] = example(kind.key, "response")["Job"]["Config"]
    variants = [VARIANTS[kind.key]] if kind.key in VARIANTS else []
    return [_encoded({**request, **changes}) for changes in ({}, *variants)]


def _first_object(value: Any) -> Any:
    """Return the first JSON value in a text such as ``{..} or {..}``; other texts unchanged."""
    if not isinstance(value, str):
        return value
    for start in (place for place, letter in enumerate(value) if letter in "{["):
        with suppress(ValueError):
            return json.JSONDecoder().raw_decode(value, start)[0]
    return value


def _encoded(request: dict[str, Any]) -> dict[str, str]:
    flags = {True: "true", False: "false"}
    return {
        name: value
        if isinstance(value, str)
        else flags[value]
        if isinstance(value, bool)
        else json.dumps(value, ensure_ascii=False)
        for name, value in request.items()
    }
