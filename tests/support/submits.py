"""A valid request for every job kind, with the parameter names from the API documentation."""

from __future__ import annotations

import json
from typing import Any

FILE = {"Type": "OSS", "Media": "oss://bucket/in.mp4"}
OUTPUT = {"Type": "OSS", "Media": "oss://bucket/out.mp4"}
FILES = {"Input": FILE, "Output": OUTPUT}
SPEECH = {"EditingConfig": {"voice": "Siqi"}, "OutputConfig": {"bucket": "b", "object": "o"}, "InputConfig": "你好。"}
VIDEOS = {"MediaURL": "http://b.oss-cn-shanghai.aliyuncs.com/v_{index}.mp4", "Count": 2}
PIECES = {"OutputMediaTarget": "oss-object", "Bucket": "bucket", "ObjectKey": "pieces/{index}.mp4"}
SCENE = {"JobType": "Smart_Mix_Media_Select", "InputConfig": {"MediaArray": ["m"]}, "OutputConfig": VIDEOS}
TEMPLATE = {"TemplateConfig": {"TemplateId": "t"}}
VOICE = {"Audios": "media", "VoiceName": "voice", "Gender": "female"}
UPLOAD = {"UploadURLs": "https://example.com/in.mp4"}
STREAM = {"MediaId": "m", "StreamURL": "https://example.com/in.mp4", "Definition": "HD"}

SUBMITS: dict[tuple[str, str], dict[str, Any]] = {
    ("ice", "SubmitTextGenerateJob"): {"GenerateConfig": {"keywords": "新店", "textLength": 20, "targetCount": 2}},
    ("ice", "SubmitAudioProduceJob"): SPEECH,
    ("ice", "SubmitASRJob"): {"InputFile": "oss://bucket/in.mp4"},
    ("ice", "SubmitVideoTranslationJob"): {
        "InputConfig": {"Type": "Video", "Video": "1628ae20c368f6f7c77a6302"},
        "OutputConfig": {"MediaURL": "https://b.oss-cn-shanghai.aliyuncs.com/out.mp4"},
        "EditingConfig": {"SourceLanguage": "zh", "TargetLanguage": "en"},
    },
    ("ice", "SubmitAvatarVideoJob"): {"InputConfig": {"Text": "欢迎光临"}, "EditingConfig": {"AvatarId": "a"}},
    ("ice", "SubmitSegmentationJob"): {
        "InputConfig": FILE,
        "JobParams": {"Mode": "UserDefined", "Ranges": [{"In": 10, "Out": 20}, {"In": 35, "Out": 50}]},
        "OutputConfig": PIECES,
    },
    ("ice", "SubmitHighlightExtractionJob"): {
        "InputConfig": {"MediaArray": [{"MediaId": "m"}], "Strategy": {"Count": 5, "ClipDuration": 15}},
        "OutputConfig": {"NeedExport": True, **PIECES},
    },
    ("ice", "SubmitDynamicChartJob"): {
        "ChartType": "Line",
        "Input": {"XlsFile": "https://b.oss-cn-shanghai.aliyuncs.com/in.xls"},
        "OutputConfig": {"MediaURL": "https://b.oss-cn-shanghai.aliyuncs.com/out.mp4", "Width": 800, "Height": 680},
    },
    ("ice", "SubmitBatchMediaProducingJob"): {"InputConfig": {"MediaArray": ["m"]}, "OutputConfig": VIDEOS},
    ("ice", "SubmitSceneMediaSelectionJob"): SCENE,
    ("ice", "SubmitSceneTimelineOrganizationJob"): {**SCENE, "MediaSelectResult": {"MediaSelectResult": []}},
    ("ice", "SubmitSceneBatchEditingJob"): {"ProjectIds": "p1,p2", "OutputConfig": VIDEOS},
    ("ice", "SubmitScreenMediaHighlightsJob"): {"InputConfig": {"MediaArray": ["m"]}, "OutputConfig": VIDEOS},
    ("ice", "SubmitSportsHighlightsJob"): {
        "InputConfig": {"SportsCategory": "basketball", "InputMedia": "http://b.oss-cn-shanghai.aliyuncs.com/in.mp4"},
        "OutputConfig": VIDEOS,
    },
    ("ice", "SubmitMediaProducingJob"): {
        "Timeline": {"VideoTracks": [{"VideoTrackClips": [{"MediaId": "m"}]}]},
        "OutputMediaConfig": {"MediaURL": "https://b.oss-cn-shanghai.aliyuncs.com/out.mp4"},
    },
    ("ice", "SubmitProjectExportJob"): {"ProjectId": "p", "OutputMediaConfig": {"Bucket": "bucket"}},
    ("ice", "SubmitLiveEditingJob"): {
        "Clips": [{"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-01T00:01:00Z"}]
    },
    ("ice", "SubmitIProductionJob"): {"FunctionName": "Cover", **FILES},
    ("ice", "SubmitTranscodeJob"): {
        "InputGroup": [FILE],
        "OutputGroup": [{"Output": OUTPUT, "ProcessConfig": {"Transcode": {"TemplateId": "t"}}}] * 2,
    },
    ("ice", "SubmitMediaConvertJob"): {"Config": {"Inputs": [{"InputFile": FILE}], "Outputs": [{"Name": "out"}]}},
    ("ice", "SubmitSnapshotJob"): {**FILES, **TEMPLATE},
    ("ice", "SubmitDynamicImageJob"): {**FILES, **TEMPLATE},
    ("ice", "SubmitPackageJob"): {"Inputs": [{"Input": FILE}], "Output": OUTPUT},
    ("ice", "SubmitMediaInfoJob"): {"Input": FILE},
    ("ice", "SubmitSmarttagJob"): {"Input": FILE, "TemplateId": "t"},
    ("ice", "SubmitVideoCognitionJob"): {"Input": FILE, "TemplateId": "t"},
    ("ice", "SubmitMediaCensorJob"): {
        "Input": FILE,
        "Title": "新店",
        "CoverImages": [{"Bucket": "bucket", "Location": "oss-cn-shanghai", "Object": "cover.jpg"}],
    },
    ("ice", "SubmitDNAJob"): {"DBId": "db", "PrimaryKey": "key", "Input": FILE},
    ("ice", "SubmitCopyrightJob"): {"Message": "mine", **FILES},
    ("ice", "SubmitTraceAbJob"): FILES,
    ("ice", "SubmitTraceM3u8Job"): {"Output": OUTPUT, "TraceMediaId": "trace"},
    ("ice", "SubmitAvatarTrainingJob"): {"JobId": "avatar"},
    ("ice", "SubmitCustomizedVoiceJob"): {"VoiceId": "voice"},
    ("ice", "SubmitStandardCustomizedVoiceJob"): VOICE,
    ("ice", "SubmitCosyVoiceCustomizedVoiceJob"): VOICE,
    ("ice", "SubmitYikeAIAppJob"): {"AppId": "app", "AppParams": {"prompt": "cake"}},
    ("ice", "SubmitYikeStoryboardJob"): {"FileURL": "oss://bucket/in.txt", "Title": "新店"},
    ("ice", "StartWorkflow"): {"WorkflowId": "w", "TaskInput": {"Type": "Media", "Media": "m"}},
    ("ice", "StartAIWorkflow"): {"WorkflowId": "w", "Inputs": {"source_language_id": "en"}},
    ("ice", "UploadMediaByURL"): UPLOAD,
    ("ice", "UploadStreamByURL"): STREAM,
    ("vod", "SubmitAIImageJob"): {"VideoId": "v", "AITemplateId": "t"},
    ("vod", "SubmitAIJob"): {"MediaId": "m", "Types": "AIVideoTag"},
    ("vod", "SubmitAIMediaAuditJob"): {"MediaId": "m"},
    ("vod", "SubmitTranscodeJobs"): {"VideoId": "v", "TemplateGroupId": "g"},
    ("vod", "SubmitWorkflowJob"): {"WorkflowId": "w", "MediaId": "m"},
    ("vod", "SubmitSnapshotJob"): {"VideoId": "v", "Count": "3"},
    ("vod", "ProduceEditingProjectVideo"): {
        "Timeline": {"VideoTracks": [{"VideoTrackClips": [{"MediaId": "m"}]}]},
        "Title": "新店",
    },
    ("vod", "UploadMediaByURL"): UPLOAD,
    ("vod", "UploadStreamByURL"): STREAM,
}


def encoded(parameters: dict[str, Any]) -> dict[str, str]:
    """Return parameters as the request contains them."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in parameters.items()}
