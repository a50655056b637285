"""
What the jobs of :mod:`airflow_provider_ims.emulator.kinds` show and come to, made up in the documented shapes.

Each function is given the job's id, its parameters and the region, and nothing else goes into what it returns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from airflow_provider_ims.emulator.results import oss_url, stable_id
from airflow_provider_ims.emulator.wire import dump

Parameters: TypeAlias = "Mapping[str, str]"
Made: TypeAlias = "Callable[[str, Mapping[str, str], str], dict[str, Any]]"

SECONDS = 15.0


def nothing(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return no fields."""
    return {}


def _read(parameters: Parameters, name: str) -> dict[str, Any]:
    value = json.loads(parameters.get(name) or "{}")
    return value if isinstance(value, dict) else {}


def _file(parameters: Parameters, name: str) -> dict[str, str]:
    value = _read(parameters, name)
    return {"Type": str(value.get("Type") or "OSS"), "Media": str(value.get("Media") or "")}


def _address(job_id: str, parameters: Parameters, name: str, ending: str, region: str) -> str:
    wanted = _read(parameters, name)
    address = wanted.get("MediaURL") or wanted.get("OutputUrl") or wanted.get("Media")
    return str(address or oss_url("emulated", f"{job_id}.{ending}", region)).replace("{Count}", "00001")


def given(parameters: Parameters, *names: str) -> dict[str, Any]:
    """Return those of some parameters that were sent."""
    return {name: parameters[name] for name in names if name in parameters}


def project(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the project of an edited video, and the id that its media will have."""
    project_id = parameters.get("ProjectId") or stable_id(job_id, "project")
    return {"ProjectId": project_id, "MediaId": stable_id(job_id, "media")}


def produced(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return a video made from a timeline or a template."""
    return {"MediaURL": _address(job_id, parameters, "OutputMediaConfig", "mp4", region), "Duration": SECONDS}


def cut(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return a video cut from a live stream."""
    return {"MediaURL": _address(job_id, parameters, "OutputMediaConfig", "mp4", region)}


def export(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return what is exported."""
    return {
        "ExportType": parameters.get("ExportType", "BaseTimeline"),
        "ProjectId": project(job_id, parameters, "")["ProjectId"],
    }


def exported(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return an exported project."""
    if parameters.get("ExportType") == "AdobePremierePro":
        bucket = str(_read(parameters, "OutputMediaConfig").get("Bucket") or "emulated")
        return {"ExportResult": {"ProjectUrl": oss_url(bucket, f"{job_id}.zip", region)}}
    return {"ExportResult": {"Timeline": parameters.get("Timeline") or '{"VideoTracks":[]}'}}


def function(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return which algorithm works on which files."""
    return {
        **files(job_id, parameters, region),
        **given(parameters, "FunctionName", "Name", "JobParams", "TemplateId"),
    }


def function_result(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return what an algorithm made."""
    address = _address(job_id, parameters, "Output", "mp4", region)
    return {"Result": dump({"Data": [address]}), "OutputFiles": [address], "OutputUrls": [address]}


def source(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the file that a job reads."""
    return {"Input": _file(parameters, "Input"), **given(parameters, "Name")}


def output(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the file that a job writes."""
    return {"Output": _file(parameters, "Output"), **given(parameters, "Name")}


def files(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the files that a job reads and writes."""
    return {**source(job_id, parameters, region), **output(job_id, parameters, region)}


def output_url(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the address of the file that was written."""
    return {"OutputUrl": _address(job_id, parameters, "Output", "gif", region)}


def snapshots(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return how many snapshots were taken."""
    overwrite = _read(parameters, "TemplateConfig").get("OverwriteParams")
    count = (overwrite if isinstance(overwrite, dict) else {}).get("Count")
    return {"Count": count if isinstance(count, int) else 1, "Type": "Normal"}


def output_count(parameters: Parameters) -> int:
    """Return how many outputs a transcoding has."""
    return len(json.loads(parameters["OutputGroup"]))


def transcoded(job_id: str, parameters: Parameters, index: int, good: bool | None, region: str) -> dict[str, Any]:
    """Return one output of a transcoding; ``good`` is None while it runs."""
    group = json.loads(parameters["OutputGroup"])[index]
    wanted = group.get("Output") if isinstance(group, dict) else None
    wanted = wanted if isinstance(wanted, dict) else {}
    part_id = stable_id(job_id, index)
    shown: dict[str, Any] = {
        "JobId": part_id,
        "ParentJobId": job_id,
        "JobIndex": index,
        "Status": {None: "Processing", True: "Success", False: "Fail"}[good],
        "Output": {"Type": str(wanted.get("Type") or "OSS"), "Media": str(wanted.get("Media") or "")},
    }
    if good:
        address = str(wanted.get("OutputUrl") or wanted.get("Media") or oss_url("emulated", f"{part_id}.mp4", region))
        shown["OutFileMeta"] = {"FileBasicInfo": {"FileUrl": address, **_basics()}}
    return shown


def _basics() -> dict[str, str]:
    return {"Duration": str(SECONDS), "Width": "1280", "Height": "720", "FileSize": "1891290", "FormatName": "mp4"}


def converted(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the outputs of a conversion."""
    outputs: Any = _read(parameters, "Config").get("Outputs")
    names = [
        one.get("Name") if isinstance(one, dict) else None for one in (outputs if isinstance(outputs, list) else [None])
    ]
    return {
        "OutputDetails": [
            {
                "Name": str(name or number),
                "Status": "Success",
                "TaskId": stable_id(job_id, number),
                "Result": {
                    "OutputFile": {"Type": "OSS", "Media": oss_url("emulated", f"{job_id}-{number}.mp4", region)}
                },
            }
            for number, name in enumerate(names)
        ]
    }


def media_info(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return what a file is made of."""
    return {
        "MediaInfoProperty": {
            "FileBasicInfo": _basics(),
            "VideoStreamInfoList": [{"Codec_name": "h264", "Width": "1280", "Height": "720", "Fps": "25.0"}],
            "AudioStreamInfoList": [{"CodecName": "aac", "Channels": "2", "SampleRate": "44100"}],
        }
    }


_TAGS = dump({"tags": [{"name": "美食", "score": 0.92}, {"name": "开业", "score": 0.81}]})


def tags(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the tags of a video."""
    return {
        "Results": {"Result": [{"Type": "VideoLabel", "Data": _TAGS}]},
        "Usages": {"Usage": [{"Type": "tag", "Quota": 15}]},
    }


def cognition(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return what was recognised in a video."""
    return {"Results": {"result": [{"Type": "VideoLabel", "Data": _TAGS}]}}


def suggestion(name: str) -> str:
    """Return what moderation says of a file: of one whose name holds ``block`` or ``review`` just that."""
    return next((verdict for verdict in ("block", "review") if verdict in name), "pass")


def _verdict(scene: str = "antispam", said: str = "pass") -> dict[str, str]:
    return {"Label": "normal" if said == "pass" else scene, "Scene": scene, "Suggestion": said, "Rate": "99.8"}


def censored(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the verdict on a video, and on what was given with it."""
    said = suggestion(_file(parameters, "Input")["Media"])
    verdicts: dict[str, Any] = {
        "Suggestion": said,
        "VensorCensorResult": {"CensorResults": {"CensorResult": [_verdict("porn", said), _verdict("terrorism")]}},
    }
    if "CoverImages" in parameters:
        covers = json.loads(parameters["CoverImages"])
        verdicts["CoverImageCensorResults"] = {
            "CoverImageCensorResult": [
                {**given(cover, "Bucket", "Location", "Object"), "Results": {"Result": [_verdict("porn")]}}
                for cover in covers
                if isinstance(cover, dict)
            ]
        }
    for name, told in (("Title", "Title"), ("Description", "Desc"), ("Barrages", "Barrage")):
        if name in parameters:
            verdicts[f"{told}CensorResult"] = _verdict()
    return verdicts


def fingerprint(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return whose fingerprint is taken."""
    return {"Input": _file(parameters, "Input"), **given(parameters, "DBId", "PrimaryKey", "Config")}


def fingerprinted(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return where the matches of a fingerprint are."""
    return {"DNAResult": oss_url("emulated", f"dna/{job_id}.json", region)}


def copyright(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the watermark."""
    return {
        "Message": parameters["Message"],
        "Level": int(parameters.get("Level", 2)),
        **files(job_id, parameters, region),
    }


def trace(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the stream by which copies are traced."""
    shown = files(job_id, parameters, region)
    return {**shown, "TraceMediaId": stable_id(job_id, "trace"), "Level": int(parameters.get("Level", 2))}


def playlist(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the playlist with a trace."""
    return {**output(job_id, parameters, region), **given(parameters, "TraceMediaId", "Trace")}


def success(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return what the pages show for success."""
    return {"Result": dump({"Code": "success", "Message": "ok"})}


def avatar(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return a trained avatar."""
    return {"AvatarId": stable_id(job_id, "avatar"), "AvatarName": "emulated", "AvatarType": "2DAvatar"}


def voice(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the voice that is trained."""
    voice_id = parameters.get("VoiceId") or stable_id(job_id, "voice")
    return {
        "VoiceId": voice_id,
        "Type": "Standard" if "Audios" in parameters else "Basic",
        **given(parameters, "VoiceName", "Gender"),
    }


def app_result(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return what an application made."""
    made = {"MediaId": stable_id(job_id, "media"), "OutputUrl": oss_url("emulated", f"{job_id}.mp4", region)}
    return {"Result": {"VideoResult": [made], "ImageResult": [], "AudioResult": []}}


def storyboard(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return a storyboard."""
    return {
        "JobResult": {
            "OutputUrl": oss_url("emulated", f"{job_id}.mp4", region),
            "SuccessStoryboardIds": stable_id(job_id, "storyboard"),
        }
    }
