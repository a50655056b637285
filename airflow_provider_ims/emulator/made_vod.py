"""What the jobs of VOD show and come to; as :mod:`airflow_provider_ims.emulator.made`."""

from __future__ import annotations

from typing import Any

from airflow_provider_ims.emulator.made import SECONDS, Parameters, given, suggestion
from airflow_provider_ims.emulator.results import oss_url, stable_id
from airflow_provider_ims.emulator.wire import dump


def ai_job(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return what is analysed how."""
    return {"MediaId": parameters.get("MediaId", ""), "Type": parameters.get("Types", "AIVideoTag").split(",")[0]}


def ai_result(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return what the analysis found."""
    return {"Data": dump({"VideoTags": [{"Tag": "美食"}, {"Tag": "开业"}]})}


def media(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the media that is looked at."""
    return {"MediaId": parameters["MediaId"], "Type": "AIMediaAudit"}


def audited(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the verdict of an audit."""
    text = {
        "Type": "title",
        "Content": "开业",
        "Label": "normal",
        "Scene": "antispam",
        "Score": "100",
        "Suggestion": "pass",
    }
    said = suggestion(parameters["MediaId"])
    verdict = {"Label": "normal" if said == "pass" else "porn", "Suggestion": said}
    return {
        "Data": {
            **verdict,
            "AbnormalModules": "" if said == "pass" else "video",
            "TextResult": [text],
            "VideoResult": {**verdict, "PornResult": verdict},
        }
    }


def video(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the video that is worked on."""
    return given(parameters, "VideoId")


def stream(job_id: str, parameters: Parameters, index: int, good: bool | None, region: str) -> dict[str, Any]:
    """Return one stream of a transcoded video; ``good`` is None while it is made."""
    part_id, definition = stable_id(job_id, index), ("LD", "HD")[index]
    shown: dict[str, Any] = {
        "TranscodeJobId": part_id,
        "Definition": definition,
        "TranscodeJobStatus": {None: "Transcoding", True: "TranscodeSuccess", False: "TranscodeFail"}[good],
        "TranscodeProgress": 100 if good else 0,
    }
    if good:
        shown["OutputFile"] = {
            "OutputFileUrl": oss_url("emulated", f"{job_id}-{definition}.mp4", region),
            "Duration": str(SECONDS),
            "Filesize": 851164,
            "Format": "mp4",
            "Width": "1280",
            "Height": "720",
        }
    return shown


def workflow(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return the workflow that runs."""
    return {"WorkflowId": parameters["WorkflowId"]}


def nodes(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return what the nodes of a workflow came to."""
    node = {"NodeName": "transcode", "Status": "succeeded"}
    return {"NodeResults": dump([node]), "Outputs": dump({"MediaId": parameters.get("MediaId", "")})}


def snapshot_config(job_id: str, parameters: Parameters, region: str) -> dict[str, Any]:
    """Return how the snapshots of a video were taken."""
    return {"NormalConfig": dump({"Count": int(parameters.get("Count", 1))})}
