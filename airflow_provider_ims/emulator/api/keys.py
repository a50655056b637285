"""
The documented keys of JSON parameters.

Sources: the API pages, the models and docstrings of the product SDKs, and the pages on the parameters of video
production. The table omits parameters whose keys are not documented.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType

from airflow_provider_ims.emulator.api.parameters import Parameters

_FILE = "Media Type"
# The SDK model contains only the keys of _FILE. The documented examples also contain Bucket, Location and Object.
_OSS_FILE = f"{_FILE} Bucket Location Object"
_IMAGE = {"Input": _FILE, "Output": _FILE, "TemplateConfig": "TemplateId OverwriteParams"}
_OUTPUT_MEDIA_CONFIG = (
    "MediaURL StorageLocation FileName Video Width Height Bitrate MaxDuration ProduceTemplateId VodTemplateGroupId"
    " Endpoint Bucket ObjectKey AccessKeyId AccessKeySecret"
)

#: Key of an action (see ``key_of``) -> parameter -> the documented keys of the parameter, separated by spaces.
DOCUMENTED_KEYS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "SubmitTextGenerateJob": {"GenerateConfig": "keywords textLength targetCount originText"},
        "SubmitAudioProduceJob": {
            # The key sample_rate appears in the documented responses.
            "EditingConfig": "voice customizedVoice format volume speech_rate pitch_rate sample_rate",
            "OutputConfig": "bucket object",
        },
        "SubmitBatchMediaProducingJob": {
            "InputConfig": (
                "MediaGroupArray MediaArray MediaSearchInput SceneInfo Title TitleArray SubHeadingArray SpeechText"
                " SpeechTextArray Sticker StickerArray BackgroundMusic BackgroundMusicArray BackgroundImageArray"
            ),
            "EditingConfig": (
                "MediaConfig TitleConfig SubHeadingConfig SpeechConfig BackgroundMusicConfig BackgroundImageConfig"
                " ProcessConfig"
            ),
            "OutputConfig": (
                "MediaURL Count Width Height MaxDuration FixedDuration Video FileName StorageLocation"
                " VodTemplateGroupId GeneratePreviewOnly Bitrate"
            ),
        },
        "SubmitMediaProducingJob": {"OutputMediaConfig": _OUTPUT_MEDIA_CONFIG},
        "SubmitProjectExportJob": {"OutputMediaConfig": "Bucket Prefix Width Height"},
        "SubmitLiveEditingJob": {
            "LiveStreamConfig": "AppName DomainName StreamName",
            "OutputMediaConfig": _OUTPUT_MEDIA_CONFIG,
        },
        "SubmitIProductionJob": {"Input": _FILE, "Output": "Biz Media OutputUrl Type"},
        "SubmitSnapshotJob": _IMAGE,
        "SubmitDynamicImageJob": _IMAGE,
        "SubmitPackageJob": {"Output": _FILE},
        "SubmitMediaInfoJob": {"Input": _FILE},
        "SubmitSmarttagJob": {"Input": _FILE},
        "SubmitVideoCognitionJob": {"Input": _FILE},
        "SubmitMediaCensorJob": {"Input": _FILE},
        "SubmitDNAJob": {"Input": _FILE},
        "SubmitCopyrightJob": {"Input": _OSS_FILE, "Output": _OSS_FILE},
        "SubmitTraceAbJob": {"Input": _FILE, "Output": _FILE},
        "SubmitTraceM3u8Job": {"Output": _FILE},
        "StartWorkflow": {"TaskInput": _FILE},
    }
)


def undocumented_keys(action: str, parameters: Parameters) -> list[str]:
    """
    Return the undocumented top-level keys in the JSON parameters of a request, such as ``EditingConfig.voise``.

    :param action: The key of the action (see ``key_of``).
    :param parameters: The parameters of a request, which have already been validated.
    """
    return [
        f"{name}.{key}"
        for name, documented in DOCUMENTED_KEYS.get(action, {}).items()
        for key in json.loads(parameters.get(name, "{}"))
        if key not in documented.split()
    ]
