"""Smart jobs: SubmitTextGenerateJob, SubmitAudioProduceJob, GetSmartHandleJob, ListSmartJobs."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_ims.emulator import results
from airflow_provider_ims.emulator.actions import SMART, Phase
from airflow_provider_ims.emulator.clock import iso
from airflow_provider_ims.emulator.jobs import Jobs
from airflow_provider_ims.emulator.listing import Page
from airflow_provider_ims.emulator.store import Filter, Job
from airflow_provider_ims.emulator.wire import dump

TEXT = "SubmitTextGenerateJob"
AUDIO = "SubmitAudioProduceJob"
# submit action -> the job type; which others than the first three are listed is not documented
LISTED = {
    "SubmitASRJob": "ASR",
    "SubmitVideoTranslationJob": "VideoTranslation",
    "SubmitDynamicChartJob": "DynamicChart",
}
UNLISTED = {
    "SubmitAvatarVideoJob": "AvatarVideo",
    "SubmitSegmentationJob": "Segmentation",
    "SubmitHighlightExtractionJob": "HighlightExtraction",
}
OTHERS = {**LISTED, **UNLISTED}


def submit_text(jobs: Jobs, parameters: dict[str, str]) -> tuple[dict[str, Any], Job]:
    """Take a text job."""
    job = jobs.submit(TEXT, parameters, "TextGenerate")
    return {"JobId": job.job_id}, job


def submit_audio(jobs: Jobs, parameters: dict[str, str]) -> tuple[dict[str, Any], Job]:
    """Take a text to speak."""
    job = jobs.submit(AUDIO, parameters, "TextToSpeech")
    return {"JobId": job.job_id, "State": SMART[Phase.CREATED], "MediaId": _media_id(job)}, job


def submit_other(action: str, jobs: Jobs, parameters: dict[str, str]) -> tuple[dict[str, Any], Job]:
    """Take a smart job of another type."""
    job = jobs.submit(action, parameters, OTHERS[action])
    if action == "SubmitVideoTranslationJob":
        return {"Success": True, "Data": {"JobId": job.job_id}}, job
    more = {
        "SubmitASRJob": {"State": SMART[Phase.CREATED]},
        "SubmitAvatarVideoJob": {"MediaId": _media_id(job)},
    }
    return {"JobId": job.job_id, **more.get(action, {})}, job


def get(jobs: Jobs, parameters: dict[str, str]) -> dict[str, Any]:
    """Answer GetSmartHandleJob."""
    job = jobs.asked_for(parameters["JobId"], TEXT, AUDIO, *OTHERS)
    if job is None:
        return {}
    phase = jobs.phase(job)
    answer: dict[str, Any] = {"JobId": job.job_id, "State": jobs.state(job)}
    if "UserData" in job.parameters:
        answer["UserData"] = job.parameters["UserData"]
    info = _info(jobs, job)
    info["UserId"] = jobs.settings.account_id
    answer["SmartJobInfo"] = info
    if phase is Phase.SUCCEEDED:
        answer["JobResult"] = result(jobs, job)
        answer["Output"] = "{}"
    if phase is Phase.FAILED:
        answer["ErrorCode"], answer["ErrorMessage"] = job.error_code, job.error_message
    return answer


def list_jobs(jobs: Jobs, parameters: dict[str, str]) -> dict[str, Any]:
    """Answer ListSmartJobs."""
    state = parameters.get("JobState")
    wanted = Filter(
        actions=(AUDIO, *LISTED, *((TEXT, *UNLISTED) if jobs.settings.list_text_jobs else ())),
        job_type=parameters.get("JobType"),
        shown=(Phase(SMART.index(state)), state) if state else None,
    )
    page = Page.of(parameters, oldest_first="CreationTime:Asc")
    now = jobs.clock.now()
    found, token = page.take(jobs.store, wanted, now)
    answer: dict[str, Any] = {
        "SmartJobList": [_listed(jobs, job) for job in found],
        "MaxResults": str(page.size),
        "NextToken": token,
    }
    if page.numbered:
        # "By default, this parameter is not returned": a page number is useless without it.
        answer["TotalCount"] = str(jobs.store.count(wanted, now=now))
    return answer


def result(jobs: Jobs, job: Job) -> dict[str, Any]:
    """Return the JobResult of a smart job."""
    if job.action == TEXT:
        written = results.texts(job.parameters)
        return {"AiResult": dump(written), "Usage": dump({"total_tokens": results.total_tokens(written)})}
    if job.action != AUDIO:
        return _other_result(jobs, job)
    editing, output = _editing_config(job), json.loads(job.parameters["OutputConfig"])
    name = f"{output['object']}.{editing['format'].lower()}"
    return {
        "MediaId": _media_id(job),
        "MediaUrl": results.oss_url(output["bucket"], name, jobs.settings.region_id),
        "AiResult": dump(results.sentences(job.parameters["InputConfig"], editing["speech_rate"])),
    }


def _other_result(jobs: Jobs, job: Job) -> dict[str, Any]:
    if job.action == "SubmitASRJob":
        return {"AiResult": dump(results.recognised(job.parameters))}
    region = jobs.settings.region_id
    output = json.loads(job.parameters.get("OutputConfig") or "{}")
    url = output.get("MediaURL") or output.get("MediaUrl") or results.oss_url("emulated", f"{job.job_id}.mp4", region)
    made = {"MediaId": _media_id(job), "MediaUrl": str(url)}
    if job.action in ("SubmitSegmentationJob", "SubmitHighlightExtractionJob"):
        made["AiResult"] = dump(results.pieces(job.job_id, job.parameters, region))
    return made


def _media_id(job: Job) -> str:
    return results.stable_id(job.job_id, "media")


def _info(jobs: Jobs, job: Job) -> dict[str, Any]:
    info: dict[str, Any] = {
        "Title": job.parameters.get("Title") or f"default_title_{iso(job.created)}",
        "JobType": job.job_type,
        "CreateTime": iso(job.created),
        "ModifiedTime": iso(jobs.modified(job)),
    }
    if "Description" in job.parameters:
        info["Description"] = job.parameters["Description"]
    if job.action == TEXT:
        names = ("Type", "GenerateConfig")
        info["EditingConfig"] = dump({name: job.parameters[name] for name in names if name in job.parameters})
    elif job.action == AUDIO:
        output = json.loads(job.parameters["OutputConfig"])
        info["InputConfig"] = {"InputFile": job.parameters["InputConfig"]}
        info["EditingConfig"] = dump(_editing_config(job))
        info["OutputConfig"] = {"Bucket": output["bucket"], "Object": output["object"]}
    else:
        read = next(
            (job.parameters[name] for name in ("InputFile", "InputConfig", "Input") if name in job.parameters), ""
        )
        info["InputConfig"] = {"InputFile": read}
        if "EditingConfig" in job.parameters:
            info["EditingConfig"] = job.parameters["EditingConfig"]
    return info


def _listed(jobs: Jobs, job: Job) -> dict[str, Any]:
    listed = {"JobId": job.job_id, "JobState": jobs.state(job), **_info(jobs, job)}
    # A string where one job is asked for, a number in the list.
    listed["UserId"] = int(jobs.settings.account_id)
    if "UserData" in job.parameters:
        listed["UserData"] = job.parameters["UserData"]
    if job.action == TEXT:
        config = json.loads(job.parameters["GenerateConfig"])
        listed["InputConfig"] = {"Keyword": config["keywords"]} if "keywords" in config else {}
    return listed


def _editing_config(job: Job) -> dict[str, Any]:
    config = json.loads(job.parameters["EditingConfig"])
    whole = {
        "format": str(config.get("format") or "MP3").upper(),
        "pitch_rate": int(float(config.get("pitch_rate") or 0)),
        "sample_rate": 16000,
        "speech_rate": int(float(config.get("speech_rate") or 0)),
        "volume": int(float(50 if config.get("volume") is None else config["volume"])),
    }
    # A voice of one's own goes before a stock voice.
    voice = "customizedVoice" if config.get("customizedVoice") else "voice"
    whole[voice] = config.get(voice) or "Siqi"
    return dict(sorted(whole.items()))
