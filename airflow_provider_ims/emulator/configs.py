"""Checks of the parameters that hold JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from airflow_provider_ims.emulator.errors import invalid, missing

Check = Callable[[str, str, Mapping[str, str]], None]
"""Takes a parameter's value and name and all parameters; raises an ApiError if the value is refused."""

MAX_GROUPS = 40
MAX_MEDIA_PER_GROUP = 200
MAX_GROUP_NAME = 50
MAX_SPEECH_TEXTS = 50
MAX_SPEECH_TEXT = 1_000
MAX_TITLES = 50
MAX_VIDEOS = 100


def parse(value: str, name: str) -> Any:
    """
    Return the JSON value of a parameter.

    :raises ApiError: if it is not JSON.
    """
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        raise invalid(name, "It is not valid JSON.") from None


def parse_object(value: str, name: str) -> dict[str, Any]:
    """
    Return the JSON object of a parameter.

    :raises ApiError: if it is something else.
    """
    result = parse(value, name)
    if not isinstance(result, dict):
        raise invalid(name, "It must be a JSON object.")
    return result


def json_object(value: str, name: str, _: Mapping[str, str]) -> None:
    """Take any JSON object."""
    parse_object(value, name)


def json_array(value: str, name: str, _: Mapping[str, str]) -> None:
    """Take any JSON array that is not empty."""
    if not isinstance(items := parse(value, name), list) or not items:
        raise invalid(name, "It must be a JSON array.")


def generate_config(value: str, name: str, parameters: Mapping[str, str]) -> None:
    """Check what a text job is to write."""
    config = parse_object(value, name)
    kind = parameters.get("Type") or ("MarketingCopy" if "keywords" in config else "StoryboardScript")
    if kind == "StoryboardScript":
        _text(config, "originText", name, required=True)
        return
    _text(config, "keywords", name, required=True)
    _number(config, "textLength", name, 5, 1_000, required=True)
    _number(config, "targetCount", name, 1, 1_000, required=True)


def audio_editing_config(value: str, name: str, _: Mapping[str, str]) -> None:
    """Check how a text is to be spoken."""
    config = parse_object(value, name)
    _text(config, "voice", name)
    _text(config, "customizedVoice", name)
    if config.get("format") is not None and str(config["format"]).upper() not in ("PCM", "WAV", "MP3"):
        raise invalid(f"{name}.format", "Valid values: PCM, WAV, MP3.")
    _number(config, "volume", name, 0, 100)
    _number(config, "speech_rate", name, -500, 500)
    _number(config, "pitch_rate", name, -500, 500)


def audio_output_config(value: str, name: str, _: Mapping[str, str]) -> None:
    """Check where the speech is to go."""
    config = parse_object(value, name)
    _text(config, "bucket", name, required=True)
    _text(config, "object", name, required=True)


def batch_input_config(value: str, name: str, _: Mapping[str, str]) -> None:
    """Check what the videos are to be made of."""
    config = parse_object(value, name)
    groups = config.get("MediaGroupArray")
    if groups:
        _groups(groups, f"{name}.MediaGroupArray", bool(config.get("SpeechTextArray")))
    elif config.get("MediaArray"):
        _texts(config["MediaArray"], f"{name}.MediaArray")
    elif not config.get("MediaSearchInput"):
        raise missing(name, detail="One of MediaGroupArray, MediaArray and MediaSearchInput is needed.")
    if config.get("SpeechTextArray"):
        _speech(config["SpeechTextArray"], f"{name}.SpeechTextArray")
    if config.get("TitleArray"):
        _texts(config["TitleArray"], f"{name}.TitleArray", most=MAX_TITLES)


def batch_output_config(value: str, name: str, _: Mapping[str, str]) -> None:
    """Check how many videos are wanted, and where."""
    config = parse_object(value, name)
    count = _number(config, "Count", name, 1, MAX_VIDEOS)
    for field in ("Width", "Height"):
        _number(config, field, name, 1, None)
    for field in ("MaxDuration", "FixedDuration"):
        if config.get(field) is not None and (not _is_number(config[field]) or float(config[field]) <= 0):
            raise invalid(f"{name}.{field}", "It must be a number of seconds above 0.")
    if not config.get("MediaURL"):
        # Videos can go to VOD storage under a file name, or stay projects that are only previewed.
        if config.get("GeneratePreviewOnly") is True or (config.get("StorageLocation") and config.get("FileName")):
            return
        raise missing(f"{name}.MediaURL")
    _text(config, "MediaURL", name)
    if (count or 1) > 1 and "{index}" not in config["MediaURL"]:
        raise invalid(f"{name}.MediaURL", "It needs the placeholder {index} when Count is above 1.")


def template_config(value: str, name: str, _: Mapping[str, str]) -> None:
    """Check the ids of templates."""
    _texts(parse(value, name), name)


def image_user_data(value: str, name: str, _: Mapping[str, str]) -> None:
    """Check the user data of an AI image job."""
    config = parse_object(value, name)
    if "MessageCallback" not in config and "Extend" not in config:
        raise invalid(name, "It must contain MessageCallback or Extend.")


def _groups(groups: Any, name: str, spoken_globally: bool) -> None:
    if not isinstance(groups, list) or len(groups) > MAX_GROUPS:
        raise invalid(name, f"It must be an array of up to {MAX_GROUPS} groups.")
    seen: set[str] = set()
    for number, group in enumerate(groups):
        place = f"{name}[{number}]"
        if not isinstance(group, dict):
            raise invalid(place, "It must be an object.")
        group_name = _text(group, "GroupName", place)
        if group_name is not None:
            if len(group_name) > MAX_GROUP_NAME:
                raise invalid(f"{place}.GroupName", f"A maximum of {MAX_GROUP_NAME} characters are supported.")
            if group_name in seen:
                raise invalid(f"{place}.GroupName", f"{group_name} is the name of another group.")
            seen.add(group_name)
        if not group.get("MediaArray"):
            raise missing(f"{place}.MediaArray")
        _texts(group["MediaArray"], f"{place}.MediaArray", most=MAX_MEDIA_PER_GROUP)
        if group.get("SpeechTextArray"):
            if spoken_globally:
                raise invalid(f"{place}.SpeechTextArray", "Speech is given for the whole video as well.")
            _speech(group["SpeechTextArray"], f"{place}.SpeechTextArray")


def _speech(value: Any, name: str) -> None:
    _texts(value, name, most=MAX_SPEECH_TEXTS)
    for number, text in enumerate(value):
        if len(text) > MAX_SPEECH_TEXT:
            raise invalid(f"{name}[{number}]", f"A maximum of {MAX_SPEECH_TEXT} characters are supported.")


def _texts(value: Any, name: str, most: int | None = None) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise invalid(name, "It must be an array of strings.")
    if most is not None and len(value) > most:
        raise invalid(name, f"It has {len(value)} entries, {most} are allowed.")


def _text(config: Mapping[str, Any], field: str, place: str, *, required: bool = False) -> str | None:
    value = config.get(field)
    if value is None or value == "":
        if required:
            raise missing(f"{place}.{field}")
        return None
    if not isinstance(value, str):
        raise invalid(f"{place}.{field}", "It must be a string.")
    return value


def _number(
    config: Mapping[str, Any], field: str, place: str, low: int, high: int | None, *, required: bool = False
) -> int | None:
    value = config.get(field)
    if value is None:
        if required:
            raise missing(f"{place}.{field}")
        return None
    limits = f"{low} to {high}" if high is not None else f"{low} or more"
    if not _is_number(value) or float(value) != int(float(value)):
        raise invalid(f"{place}.{field}", f"It must be an integer, {limits}.")
    number = int(float(value))
    if number < low or (high is not None and number > high):
        raise invalid(f"{place}.{field}", f"Valid values: {limits}.")
    return number


def _is_number(value: Any) -> bool:
    # The services read numbers in strings as well.
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return False
    try:
        return abs(float(value)) < 1e15
    except ValueError:
        return False
