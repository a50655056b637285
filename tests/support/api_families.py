"""
The families of the two APIs, which are groups of related actions.

Alibaba Cloud's API catalogs, such as https://help.aliyun.com/en/vod/list-of-operations-by-function, list the groups.
The patterns assign each action to one of them; the first pattern that matches the name determines the group.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

#: Product -> family -> pattern.
API_FAMILIES: Mapping[str, Mapping[str, str]] = {
    "ice": {
        "usage statistics": r"DescribeMeter",
        "AI agents": r".*AIAgent|.*NotifyConfig|.*MessageChat|DescribePlayList$",
        "RTC robots": r".*RtcRobot",
        "AI RTC licences": r".*AiRtc",
        "IPC devices": r".*Ipc",
        "Yike": r".*Yike",
        "MediaConnect": r".*MediaConnect",
        "MediaLive": r".*MediaLive",
        "live packaging": r".*LivePackage",
        "VOD packaging": r".*VodPackaging",
        "live recording": r".*LiveRecord",
        "live snapshots": r".*LiveSnapshot",
        "live transcoding": r".*LiveTranscode",
        "ad insertion": r".*AdInsertion",
        "channel assembly": r".*(Channel|Program|Source|SourceLocation|Schedule|Alert)s?$|.*Channel",
        "live editing": r".*LiveEditing",
        "search libraries": r".*(SearchLib|SearchIndex|MediaIndex|StreamTag)|SearchMedia(By|Clip)",
        "DNA libraries": r".*(DNADB|DNAFiles)",
        "recognition libraries": r".*Recognition",
        "DNA analysis": r".*DNAJob",
        "hotword libraries": r".*Hotword",
        "public media library": r".*Public",
        "media marks": r".*MediaMark",
        "categories": r".*Categor",
        "editing projects": r".*(EditingProject)",
        "media processing templates": r".*(CustomTemplate|SystemTemplate)",
        "templates": r".*Template",
        "pipelines": r".*Pipeline",
        "storage": r".*Storage",
        "content analysis": r".*ContentAnalyze",
        "data keys": r".*KMS",
        "event callbacks": r".*EventCallback",
        "uploads": r".*(Upload|UrlUpload)",
        "workflows": r".*Workflow",
        "avatars and voices": r".*(Avatar|CustomizedVoice|SmartVoice|SmartSys)",
        "watermarks and copyright": r".*(Copyright|Trace)",
        "batch production": r".*(BatchMediaProducing|Scene|SportsHighlights|ScreenMedia)",
        "smart tags and cognition": r".*(Smarttag|VideoCognition|AiAnalysis)",
        "smart jobs": (
            r".*(Smart|ASR|AudioProduce|TextGenerate|AvatarVideo|Segmentation|Highlight|VideoTranslation|Chart)"
        ),
        "media production": r".*(MediaProducing|ProjectExport)",
        "intelligent production": r".*IProduction",
        "review": r".*(Censor|Audit)",
        "transcoding": r".*(Transcode|MediaConvert|Package|Snapshot|DynamicImage)",
        "media information": r".*MediaInfoJob",
        "playback": r".*PlayInfo|RegisterMediaStream",
        "media assets": r".*(Media|VideoList)",
    },
    "vod": {
        "playback statistics": r"DescribePlay|GetDailyPlay|DescribeVod(Player|MediaPlay)",
        "resource usage statistics": (
            r"DescribeVod(AI|Storage|Tiering|Transcode|Editing|Domain.*(Data|Log|Bps|Layer|VipsByDomain)|Range)|"
            r"DescribeMediaDistribution|DescribeVodUserVips"
        ),
        "caches": r".*(ObjectCaches|VodRefresh)",
        "domains": r".*(VodDomain|VodUserDomains|VodSpecificConfig|VodVerify|VodCertificate|VodSSL)",
        "security": r".*(AppPlayKey|AuditSecurityIp|Crossdomain|DownloadSecret)",
        "data keys": r".*KMS",
        "applications": r".*App|ChangeResourceGroup",
        "message callbacks": r".*MessageCallback",
        "live to VOD": r".*LiveRecord",
        "categories": r".*Categor",
        "watermarks": r".*Watermark(?!Extract)s?$|.*DigitalWatermark",
        "AI templates": r".*AITemplate",
        "transcode template groups": r".*TranscodeTemplateGroup",
        "templates": r".*VodTemplate",
        "editing projects": r".*EditingProject",
        "AI images": r".*AIImage",
        "AI jobs": r".*(AIJob|AIMediaAudit|AIVideoTag|DNA|AiAnalysis|MediaAuditResult|MediaAuditAudio|MediaAudit)",
        "review": r".*Audit",
        "uploads": r".*(Upload|RegisterMedia)",
        "media processing": (r".*(Transcode|Snapshot|DynamicImage|Workflow|Preprocess|JobDetail|JobInfo)"),
        "playback": r".*(PlayInfo|PlayAuth|MediaRefresh|RefreshMedia)",
        "media assets": r".*(Video|Image|Media|Mezzanine|Stream)",
    },
}


def family_of(product: str, action: str) -> str | None:
    """Return the family of an action; None if no pattern matches."""
    families = API_FAMILIES[product].items()
    return next((family for family, pattern in families if re.match(pattern, action)), None)
