"""
What jobs come to: made-up results in the documented shapes, out of the request alone.

Everything here is a pure function of the job's id and parameters, so a result never has to be stored.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Mapping
from typing import Any

DEFAULT_VIDEO_SECONDS = 15.0
IMAGES_PER_JOB = 3
MOST_PIECES = 100

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_SEPARATORS = re.compile(r"[,，、;；|\n]+")
_PAUSES = re.compile(r"[,，.。!！?？;；:：、…\n]+")
_TAGS = re.compile(r"<[^>]+>")

# Sentences of a copy; {0} is one keyword.
_ZH = (
    "{0}，让每一天多一点惊喜。",
    "现在就来体验{0}，好品质看得见！",
    "用心做好{0}，只为懂生活的你。",
    "{0}新鲜上线，朋友们都说值得一试。",
    "别再犹豫，{0}正等着你来发现。",
)
_EN = (
    "{0}: a small surprise for every day. ",
    "Come and try {0} today, quality you can see! ",
    "Made with care: {0} for those who enjoy life. ",
    "{0} is here, and friends say it is worth a visit. ",
    "Wait no longer, {0} is there for you to discover. ",
)
_SECONDS_PER_CHINESE_CHARACTER = 0.22
_SECONDS_PER_OTHER_CHARACTER = 0.065


def stable_id(*parts: object) -> str:
    """Return an id of 32 hex digits that always follows from the same parts."""
    return hashlib.md5("/".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()


def texts(parameters: Mapping[str, str]) -> list[str]:
    """Return the copies of a text job: ``targetCount`` of them, none longer than ``textLength``."""
    config = json.loads(parameters["GenerateConfig"])
    if parameters.get("Type") == "StoryboardScript" or "keywords" not in config:
        return [f"{n}. {scene}" for n, scene in enumerate(_phrases(config["originText"]), 1)]
    keywords = [word.strip() for word in _SEPARATORS.split(config["keywords"]) if word.strip()]
    keywords = keywords or [config["keywords"]]
    length = int(float(config["textLength"]))
    if parameters.get("Type") == "Title":
        length = min(length, 30)
    return [_copy(keywords, length, number) for number in range(int(float(config["targetCount"])))]


def _copy(keywords: list[str], length: int, number: int) -> str:
    sentences = _ZH if _CHINESE.search("".join(keywords)) else _EN
    text = ""
    turn = number
    while len(text) < length:
        sentence = sentences[turn % len(sentences)].format(keywords[turn % len(keywords)])
        # The service promises a length of at most textLength: stop at a whole sentence once every keyword is in.
        if turn - number >= len(keywords) and len(text) + len(sentence) > length:
            break
        text += sentence
        turn += 1
    return text[:length].strip()


def total_tokens(written: list[str]) -> int:
    """Return how many tokens a text job is billed for."""
    return 20 + sum(tokens_of(text) for text in written)


def tokens_of(text: str) -> int:
    """Return about how many tokens a text is."""
    chinese = len(_CHINESE.findall(text))
    return 1 + chinese * 2 // 3 + (len(text) - chinese) // 4


def sentences(text: str, speech_rate: int) -> list[dict[str, Any]]:
    """
    Return what is said when.

    :param text: plain text or SSML.
    :param speech_rate: -500 (half speed) to 500 (double speed).
    """
    plain = html.unescape(_TAGS.sub(" ", text)) if text.lstrip().startswith("<") else text
    # https://help.aliyun.com/document_detail/2672807.html gives the two slopes.
    pace = 1 - speech_rate * (0.001 if speech_rate > 0 else 0.002)
    said: list[dict[str, Any]] = []
    moment = 0.0
    for phrase in _phrases(plain):
        chinese = len(_CHINESE.findall(phrase))
        seconds = chinese * _SECONDS_PER_CHINESE_CHARACTER
        seconds += (len(phrase) - chinese) * _SECONDS_PER_OTHER_CHARACTER
        end = round(moment + max(0.2, seconds) * pace, 3)
        said.append({"content": phrase, "from": moment, "to": end})
        moment = end
    return said


def _phrases(text: str) -> list[str]:
    phrases = [" ".join(phrase.split()) for phrase in _PAUSES.split(text)]
    return [phrase for phrase in phrases if phrase] or [text.strip()]


def oss_url(bucket: str, name: str, region_id: str) -> str:
    """Return the public address of an object."""
    return f"http://{bucket}.oss-{region_id}.aliyuncs.com/{name}"


def video_count(parameters: Mapping[str, str]) -> int:
    """Return how many videos a batch job makes."""
    return int(float(json.loads(parameters.get("OutputConfig") or "{}").get("Count") or 1))


def project_count(parameters: Mapping[str, str]) -> int:
    """Return how many editing projects a job renders."""
    return len(parameters["ProjectIds"].split(","))


def video(job_id: str, parameters: Mapping[str, str], index: int, region_id: str) -> dict[str, Any]:
    """Return one finished video of a batch job."""
    config = json.loads(parameters.get("OutputConfig") or "{}")
    url = config.get("MediaURL") or oss_url(
        config.get("StorageLocation", "preview"), config.get("FileName", "preview_{index}.mp4"), region_id
    )
    seconds = config.get("FixedDuration") or config.get("MaxDuration") or DEFAULT_VIDEO_SECONDS
    return {
        "MediaId": stable_id(job_id, index, "media"),
        "MediaURL": url.replace("{index}", str(index)),
        "Duration": float(seconds),
    }


def media_selection(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Return what a job of scene media selection chose, for the timeline that comes next."""
    media = json.loads(parameters["InputConfig"]).get("MediaArray")
    media = media if isinstance(media, list) else [stable_id("media")]
    return {"MediaSelectResult": [{"MediaId": str(one), "In": 0.0, "Out": 5.0} for one in media]}


def recognised(parameters: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return what is said in a file: sentences as long as it takes to say them."""
    return sentences(f"欢迎光临新店，今天开业。{parameters.get('Title', '')}", 0)


def pieces(job_id: str, parameters: Mapping[str, str], region_id: str) -> list[dict[str, Any]]:
    """Return the pieces that a video is cut into: the ranges that were asked for, or as many highlights."""
    read = {name: _object(parameters.get(name)) for name in ("InputConfig", "JobParams", "OutputConfig")}
    ranges, strategy = read["JobParams"].get("Ranges"), read["InputConfig"].get("Strategy")
    if not isinstance(ranges, list) or not all(isinstance(one, dict) for one in ranges):
        strategy = strategy if isinstance(strategy, dict) else {}
        count, seconds = strategy.get("Count"), strategy.get("ClipDuration")
        seconds = seconds if isinstance(seconds, (int, float)) else DEFAULT_VIDEO_SECONDS
        count = min(count, MOST_PIECES) if isinstance(count, int) else 2
        ranges = [{"In": index * seconds, "Out": (index + 1) * seconds} for index in range(count)]
    output = read["OutputConfig"]
    bucket, key = str(output.get("Bucket") or "emulated"), str(output.get("ObjectKey") or f"{job_id}-{{index}}.mp4")
    return [
        {
            "MediaId": stable_id(job_id, index, "media"),
            "MediaURL": oss_url(bucket, key.replace("{index}", str(index)), region_id),
            "From": one.get("In"),
            "To": one.get("Out"),
        }
        for index, one in enumerate(ranges)
    ]


def _object(written: str | None) -> dict[str, Any]:
    value = json.loads(written or "{}")
    return value if isinstance(value, dict) else {}


def images(job_id: str, video_id: str, region_id: str) -> list[dict[str, Any]]:
    """Return the images of an AI image job, best first."""
    bucket = f"outin-{stable_id('bucket')}"
    result = []
    for number in range(1, IMAGES_PER_JOB + 1):
        digits = int(stable_id(job_id, number)[:8], 16)
        name = f"{video_id}/image/ai/{job_id}-{number:05}.gif"
        score = 1 + (IMAGES_PER_JOB - number) * 2 + 2 * digits / 0x1_0000_0000
        result.append({"Score": score, "Url": oss_url(bucket, name, region_id)})
    return result
