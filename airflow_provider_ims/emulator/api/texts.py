"""Generates the texts of text jobs, and the sentences in the results of audio and speech recognition jobs."""

from __future__ import annotations

import html
import json
import re
from typing import Any

from airflow_provider_ims.emulator.api.parameters import Parameters

MAX_TITLE_LENGTH = 30

_CHINESE = re.compile(r"[\u3400-\u9fff]")
_SEPARATORS = re.compile(r"[,，、;；|\n]+")
_PAUSES = re.compile(r"[,，.。!！?？;；:：、…\n]+")
_TAGS = re.compile(r"<[^>]+>")

# The sentences of the generated texts; a keyword replaces {0}.
_CHINESE_SENTENCES = (
    "{0}，让每一天多一点惊喜。",
    "现在就来体验{0}，好品质看得见！",
    "用心做好{0}，只为懂生活的你。",
    "{0}新鲜上线，朋友们都说值得一试。",
    "别再犹豫，{0}正等着你来发现。",
)
_ENGLISH_SENTENCES = (
    "{0}: a small surprise for every day. ",
    "Come and try {0} today, quality you can see! ",
    "Made with care: {0} for those who enjoy life. ",
    "{0} is here, and friends say it is worth a visit. ",
    "Wait no longer, {0} is there for you to discover. ",
)
_SECONDS_PER_CHINESE_CHARACTER = 0.22
_SECONDS_PER_OTHER_CHARACTER = 0.065


def texts(parameters: Parameters) -> list[str]:
    """
    Return the result of a text job.

    For a storyboard script, the result is a list of its scenes. For any other type of text, the result is a list of
    ``targetCount`` texts with at most ``textLength`` characters each. Titles have at most 30 characters.
    """
    config = json.loads(parameters["GenerateConfig"])
    if parameters.get("Type") == "StoryboardScript" or "keywords" not in config:
        return [f"{n}. {scene}" for n, scene in enumerate(_phrases(config["originText"]), 1)]
    keywords = [word.strip() for word in _SEPARATORS.split(config["keywords"]) if word.strip()]
    keywords = keywords or [config["keywords"]]
    length = int(float(config["textLength"]))
    if parameters.get("Type") == "Title":
        length = min(length, MAX_TITLE_LENGTH)
    return [_text(keywords, length, number) for number in range(int(float(config["targetCount"])))]


def _text(keywords: list[str], length: int, number: int) -> str:
    sentences = _CHINESE_SENTENCES if _CHINESE.search("".join(keywords)) else _ENGLISH_SENTENCES
    text = ""
    turn = number
    while len(text) < length:
        sentence = sentences[turn % len(sentences)].format(keywords[turn % len(keywords)])
        # textLength is a maximum. After all keywords are included, no sentence is added that would exceed it.
        if turn - number >= len(keywords) and len(text) + len(sentence) > length:
            break
        text += sentence
        turn += 1
    return text[:length].strip()


def total_tokens(generated: list[str]) -> int:
    """Return an estimate of the number of tokens for which the service would bill a text job."""
    return 20 + sum(_tokens(text) for text in generated)


def _tokens(text: str) -> int:
    chinese = len(_CHINESE.findall(text))
    return 1 + chinese * 2 // 3 + (len(text) - chinese) // 4


def sentences(text: str, speech_rate: int = 0) -> list[dict[str, Any]]:
    """
    Return the sentences of a spoken text, with their start and end times in seconds.

    :param text: The text, as plain text or SSML.
    :param speech_rate: The speech rate, from -500 (half speed) to 500 (double speed).
    """
    plain = html.unescape(_TAGS.sub(" ", text)) if text.lstrip().startswith("<") else text
    # The factors 0.001 and 0.002 are documented at https://help.aliyun.com/document_detail/2672807.html.
    pace = 1 - speech_rate * (0.001 if speech_rate > 0 else 0.002)
    spoken: list[dict[str, Any]] = []
    start = 0.0
    for phrase in _phrases(plain):
        chinese = len(_CHINESE.findall(phrase))
        seconds = chinese * _SECONDS_PER_CHINESE_CHARACTER
        seconds += (len(phrase) - chinese) * _SECONDS_PER_OTHER_CHARACTER
        end = round(start + max(0.2, seconds) * pace, 3)
        spoken.append({"content": phrase, "from": start, "to": end})
        start = end
    return spoken


def _phrases(text: str) -> list[str]:
    phrases = [" ".join(phrase.split()) for phrase in _PAUSES.split(text)]
    return [phrase for phrase in phrases if phrase] or [text.strip()]
