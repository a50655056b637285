"""
Jobs that run one algorithm on one file.

The results are based on recorded results in https://github.com/aliyun/alibabacloud-aiops-skills.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from airflow_provider_ims.emulator.api.addresses import split_oss
from airflow_provider_ims.emulator.api.fields import combined, fields, file_in, schedule, sent
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import Fields, JobFamily, JobKind, JobView
from airflow_provider_ims.emulator.api.parameters import Parameters, declare
from airflow_provider_ims.emulator.api.parts import Parts

NOT_SAVED = "oss fail to save the image in the given bucket"
TRACKS = ("vocals", "accompaniment")
URL_SECONDS = 3599

#: Algorithm -> function that converts the object keys of the output files to the result of the algorithm. The result of
#: all other algorithms is empty.
RESULTS: Mapping[str, Callable[[list[str]], Any]] = {
    "Cover": lambda keys: [
        {"Score": 9.5 - number, "Time": f"{number * 1000}.0", "Url": key} for number, key in enumerate(keys)
    ],
    "VideoClip": lambda _: {"VideoSummaryList": [{"StartTime": "0.28", "EndTime": "5.28"}]},
    "MusicSegmentDetect": lambda _: [{"start": 39.32, "end": 63.85, "title": "Chorus"}],
    "AudioQualityAssessment": lambda _: [{"Tag": "Valid", "MOS(0-5)": 4.2, "MOS": "Excellent"}],
}

IPRODUCTION = JobFamily(
    "QueryIProductionJob",
    # The documentation spells the state Analyzing; the service was observed to return Analysing.
    ("Queuing", "Analysing", "Success", "Fail"),
    error=("", ""),
    cancel="CancelIProductionJob",
    unknown_job_code="InvalidParameter.JobNotFound",
)


def _file_count(parameters: Parameters) -> int:
    """
    Return the number of output files.

    The number is 3 if ``Output`` contains a placeholder for a sequence number, 2 (vocals and accompaniment) if
    ``Output`` contains ``{resultType}``, and 1 otherwise.
    """
    output = parameters["Output"]
    if "{sequenceId}" in output or "{Count}" in output:
        return 3
    return len(TRACKS) if "{resultType}" in output else 1


def _addresses(view: JobView) -> list[str]:
    """Return the URLs of the output files. Placeholders in the requested URL are replaced."""
    output, source = view.json("Output"), str(view.json("Input").get("Media") or "")
    requested = str(output.get("OutputUrl") or output.get("Media") or "")
    template = requested if split_oss(requested) else view.url(f"{view.job_id}.mp4")
    template = template.replace("{source}", source.rpartition("/")[2].partition(".")[0])
    template = template.replace("{timestamp}", str(int(view.job.created)))
    found = []
    for number in range(_file_count(view.parameters)):
        sequence, track = f"{number + 1:05}", TRACKS[number % len(TRACKS)]
        address = template.replace("{Count}", sequence).replace("{sequenceId}", sequence)
        found.append(address.replace("{resultType}", track))
    return found


def _output(view: JobView) -> Fields:
    addresses, signature = _addresses(view), {"x-oss-expires": URL_SECONDS, "x-oss-signature": view.id("signature")}
    # If the service cannot save a file, the job still succeeds, and OutputUrls still contains the URL of the file.
    files = [NOT_SAVED if str(n) in view.job.failed_parts else address for n, address in enumerate(addresses)]
    keys = [(split_oss(file) or ("", file))[1] for file in files]
    result = RESULTS.get(view.parameters["FunctionName"])
    return {
        "Result": dump(result(keys) if result else {}),
        "OutputFiles": files,
        "OutputUrls": [f"{view.output_url({'Media': address}, '')}?{urlencode(signature)}" for address in addresses],
        "OutputMediaIds": [view.id(number, "media") for number in range(len(files))],
    }


ALGORITHM_KINDS = (
    JobKind(
        "SubmitIProductionJob",
        IPRODUCTION,
        declare("FunctionName* Input*{} Output*{} JobParams{} ModelId Name ScheduleConfig{} TemplateId UserData<1024"),
        render=combined(
            sent("Name", "FunctionName", "JobParams", "TemplateId"),
            fields(Input=file_in("Input"), Output=file_in("Output", "Biz", "OutputUrl"), ScheduleConfig=schedule),
        ),
        result=_output,
        parts=Parts("", _file_count, lambda view, part: {}),
    ),
)
