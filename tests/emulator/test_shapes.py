"""
The responses of every action of jobs have the fields of the documented examples, with the same nesting and types.

The fixtures are the examples in Alibaba Cloud's Go SDK. ``{}`` in a fixture is an object with any content. JSON inside
strings is also compared.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.emulated import open_jobs, queried, response_of, submitted
from support.requests import documented_requests, example
from support.submits import encoded

from airflow_provider_ims.emulator.api.families.actions import resource_actions
from airflow_provider_ims.emulator.api.jobs import DEFAULT_ERROR, Jobs
from airflow_provider_ims.emulator.api.keys import undocumented_keys
from airflow_provider_ims.emulator.api.model import JobKind, key_of
from airflow_provider_ims.emulator.api.operations import ACTIONS
from airflow_provider_ims.emulator.api.table import JOB_KINDS
from airflow_provider_ims.emulator.settings import Settings

#: The actions of jobs and callbacks. test_families.py tests the other actions.
JOB_ACTIONS = [action for action in ACTIONS if action not in {key for key, *_ in resource_actions()}]

_NEEDS_JOB_IDS = "It depends on the parameter JobIds, which the emulator does not support."
_ONLY_SNAPSHOTS = "The emulator supports only JobType=snapshot."
_NO_FAILED_SUBMIT = "A job that has just been submitted has not failed."
_OUTPUTS = "SubmitMediaConvertJob.Job.OutputDetails[]"
_GROUPS = "SubmitMediaConvertJob.Job.OutputGroupDetails[]"

#: Documented fields that the emulator does not send: path -> reason.
NOT_SENT = {
    "GetMediaProducingJob.MediaProducingJob.SubJobMaterials": "Only sub-jobs of a batch contain it.",
    "GetProjectExportJob.ProjectExportJob.ExportResult.AudioUrl": "No documented ExportType returns it.",
    "GetProjectExportJob.ProjectExportJob.ExportResult.SrtList": "No documented ExportType returns it.",
    "GetTranscodeJob.TranscodeParentJob.TranscodeJobList[].ProcessConfig.Transcode.OverwriteParams.Tags": (
        "The documented request has no tags."
    ),
    "ListTranscodeJobs.Jobs[].OutputGroup[].ProcessConfig.Transcode.OverwriteParams.Tags": (
        "The documented request has no tags."
    ),
    **{
        f"{parent}.{name}": _NO_FAILED_SUBMIT
        for parent in ("SubmitMediaConvertJob.Job", _OUTPUTS, _GROUPS, f"{_GROUPS}.Outputs[]")
        for name in ("Code", "Message")
    },
    "QueryMediaCensorJobDetail.MediaCensorJobDetail.VensorCensorResult.NextPageToken": "There is only one page.",
    "QueryMediaCensorJobList.MediaCensorJobList.MediaCensorJob[].VensorCensorResult.NextPageToken": (
        "There is only one page."
    ),
    "QueryMediaCensorJobList.NonExistIds": _NEEDS_JOB_IDS,
    "QueryTraceM3u8JobList.Data[].UserData": "The submit action has no UserData.",
    "GetTranscodeTask.NonExistJobIds": _NEEDS_JOB_IDS,
    "GetTranscodeTask.TranscodeJobInfoList": _NEEDS_JOB_IDS,
    "GetSnapshotUrls.WebVTTUrl": "The documented request has snapshots of another type.",
    "vod:GetWorkflowTask.UserData": "The submit action has no UserData.",
    **{f"GetJobDetail.{name}JobDetail": _ONLY_SNAPSHOTS for name in ("AI", "Transcode")},
    "GetJobDetail.WorkflowTaskDetail": _ONLY_SNAPSHOTS,
    "CancelIProductionJob.AccessDeniedDetail": "Only an error contains it.",
    "ListWorkflowTasks.TotalCount": "By default, it is not returned.",
    "GetURLUploadInfos.URLUploadInfoList[].RegisteredMediaId": "The documentation does not describe it.",
}

#: Fields whose type differs between the kinds of an action: path -> reason.
OTHER_TYPE = {
    "GetBatchMediaProducingJob.EditingBatchJob.ExtendInput*": (
        "The example is that of SubmitSceneBatchEditingJob; other kinds return an object."
    ),
}

#: Fields that the emulator sends although the fixture does not contain them: path -> reason.
NOT_IN_FIXTURE = {
    "GetSmartHandleJob.SmartJobInfo.EditingConfig": "The examples of the API page contain it.",
    "GetSmartHandleJob.SmartJobInfo.InputConfig.JobParameters": "The ASR example of the API page contains it.",
}


#: Strings that repeat a parameter, so their content is the content of the request.
REPEATED = {"UserData", "InputConfig", "EditingConfig", "OutputConfig", "ClipsParam", "Clips", "Timeline", "AppParams"}
REPEATED |= {"Inputs", "TaskInput"}
REPEATED_AT = ("SnapshotJob.TemplateConfig", "DynamicImageJob.TemplateConfig")
EXPORTED = "ExportResult.Timeline"


ERROR_FIELDS = {"Code", "Message", "ErrorCode", "ErrorMessage"}
_NO_FILE = {"JobResult.MediaId", "JobResult.MediaUrl", "SmartJobInfo.OutputConfig"}
_NO_EXTEND = {"EditingBatchJob.ExtendInput*", "EditingBatchJob.ExtendOutput*"}
_NO_CREATED_VOICE = {"Data.CustomizedVoiceJob.Scenario", "Data.CustomizedVoiceJob.VoiceDesc"}

#: Fields of the query response that successful jobs of a kind do not have. Usage is documented only for texts, and a
#: scenario only for voices that CreateCustomizedVoiceJob creates. The other fields depend on the request or on a
#: failure.
NOT_OF_KIND: dict[str, set[str]] = {
    "SubmitTextGenerateJob": {*_NO_FILE, "SmartJobInfo.InputConfig"},
    "SubmitAudioProduceJob": {"JobResult.Usage"},
    "SubmitASRJob": {*_NO_FILE, "JobResult.Usage"},
    "SubmitVideoTranslationJob": {"JobResult.Usage"},
    "SubmitAvatarVideoJob": {"JobResult.AiResult", "JobResult.Usage"},
    "SubmitSegmentationJob": {"JobResult.Usage", "SmartJobInfo.Description"},
    "SubmitHighlightExtractionJob": {"JobResult.Usage", "SmartJobInfo.Description"},
    "SubmitDynamicChartJob": {"JobResult.AiResult", "JobResult.Usage"},
    "SubmitBatchMediaProducingJob": _NO_EXTEND,
    "SubmitSceneMediaSelectionJob": {"EditingBatchJob.ExtendInput*", "EditingBatchJob.SubJobList[]"},
    "SubmitSceneTimelineOrganizationJob": {
        "EditingBatchJob.ExtendOutput*",
        *(f"EditingBatchJob.SubJobList[].{name}" for name in ("Duration", "MediaId", "MediaURL")),
    },
    "SubmitSceneBatchEditingJob": {
        "EditingBatchJob.ExtendOutput*",
        *(f"EditingBatchJob.{name}" for name in ("EditingConfig", "InputConfig")),
    },
    "SubmitScreenMediaHighlightsJob": _NO_EXTEND,
    "SubmitSportsHighlightsJob": {*_NO_EXTEND, "EditingBatchJob.EditingConfig"},
    "SubmitMediaProducingJob": {"MediaProducingJob.VodMediaId"},
    "SubmitProjectExportJob": {"ProjectExportJob.ExportResult.ProjectUrl"},
    "SubmitLiveEditingJob": {
        f"LiveEditingJob.OutputMediaConfig.{name}"
        for name in ("Bitrate", "FileName", "Height", "StorageLocation", "VodTemplateGroupId", "Width")
    },
    "SubmitStandardCustomizedVoiceJob": _NO_CREATED_VOICE,
    "SubmitCosyVoiceCustomizedVoiceJob": _NO_CREATED_VOICE,
    "SubmitYikeStoryboardJob": {"JobResult.ExceptionStoryboardIds", "JobResult.FailureShotList"},
    "SubmitAIJob": {"NonExistAIJobIds.String[]"},
    **{f"{prefix}Upload{what}ByURL": {"NonExists[]"} for prefix in ("", "vod:") for what in ("Media", "Stream")},
}


def repeats_parameter(path: str) -> bool:
    if path.endswith(EXPORTED):
        return False
    return path.rpartition(".")[2] in REPEATED or path.endswith(REPEATED_AT)


class Comparison:
    """
    Compares responses with a documented example.

    :ivar missing: Documented paths that no response contains.
    :ivar unexpected: Paths in responses that are not documented.
    :ivar mistyped: Paths whose type differs from the documented type.
    :ivar compared: Documented paths that a response contains.
    """

    def __init__(self) -> None:
        self.missing: set[str] = set()
        self.unexpected: set[str] = set()
        self.mistyped: set[str] = set()
        self.compared: set[str] = set()

    def compare(self, documented: Any, responses: list[Any], path: str) -> None:
        if any(type(response) is not type(documented) for response in responses):
            self.mistyped.add(path)
        elif isinstance(documented, dict):
            self._compare_objects(documented, responses, path)
        elif isinstance(documented, list):
            items = [item for response in responses for item in response]
            if items:
                self.compare(documented[0], items, f"{path}[]")
            else:
                self.missing.add(f"{path}[]")
        elif isinstance(documented, str) and not repeats_parameter(path) and (inner := parsed(documented)):
            contents = [parsed(response) for response in responses]
            contents = [content for content in contents if content]
            if contents:
                self.compare(inner, contents, f"{path}*")
            else:
                self.missing.add(f"{path}*")

    def _compare_objects(self, documented: dict[str, Any], responses: list[dict[str, Any]], path: str) -> None:
        if not documented:
            return
        for name, inner in documented.items():
            place = f"{path}.{name}"
            values = [response[name] for response in responses if name in response]
            if values:
                self.compared.add(place)
                self.compare(inner, values, place)
            else:
                self.missing.add(place)
        self.unexpected |= {f"{path}.{name}" for response in responses for name in response if name not in documented}


def parsed(text: str) -> Any:
    """Return the JSON object or array in a string; None if there is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict | list) else None


def responses_of(kind: JobKind) -> Iterator[tuple[str, Any]]:
    """Yield (action, response) for jobs of a kind that succeeded, failed, failed in part, or are suspended."""
    for parameters in documented_requests(kind):
        with open_jobs(Settings(durations={kind.key: 0}, list_text_jobs=True)) as jobs:
            yield kind.key, response_of(jobs, kind.key, parameters)
            (job,) = jobs.store.jobs(kind.key)
            yield from read_responses(jobs, job.job_id)
            if kind.part_count(job.parameters):
                jobs.fail_videos(job.job_id, 1)
                yield from read_responses(jobs, job.job_id)
            jobs.set_state(job.job_id, "Suspended")
            yield from read_responses(jobs, job.job_id)
            if kind.family.resume:
                yield kind.family.resume, response_of(jobs, kind.family.resume, {"JobId": job.job_id})
            jobs.set_state(job.job_id, None)
            jobs.fail_at_end(job.job_id, *DEFAULT_ERROR)
            yield from read_responses(jobs, job.job_id)
            yield from cancel_responses(jobs, kind, parameters)
    if kind.draft is not None:
        with open_jobs() as jobs:
            request = encoded(example(kind.draft.action, "request"))
            yield kind.draft.action, response_of(jobs, kind.draft.action, request)


def read_responses(jobs: Jobs, job_id: str) -> Iterator[tuple[str, Any]]:
    """Yield the responses of the query and of the listing."""
    job = jobs.get(job_id)
    family = JOB_KINDS[job.action].family
    query = key_of(family.query, family.product.version)
    yield query, queried(jobs, job)
    if family.unknown_ids_at:
        yield query, response_of(jobs, query, {family.id_parameter: f"{job_id},unknown"})
    if family.listing is not None:
        page = {"PageNo": "1"} if family.listing.numbered else {}
        yield family.listing.action, response_of(jobs, family.listing.action, page)
    if job.action == "SubmitAIImageJob":
        yield "ListAIImageInfo", response_of(jobs, "ListAIImageInfo", {"VideoId": job.parameters["VideoId"]})
    if job.action == "SubmitSnapshotJob":
        yield "GetSnapshotUrls", response_of(jobs, "GetSnapshotUrls", {"JobId": job.job_id})


def cancel_responses(jobs: Jobs, kind: JobKind, parameters: dict[str, str]) -> Iterator[tuple[str, Any]]:
    if kind.family.cancel:
        jobs.settings = Settings(durations={kind.key: 60})
        job = submitted(jobs, kind.key, parameters)
        yield kind.family.cancel, response_of(jobs, kind.family.cancel, {kind.family.cancel_parameter: job.job_id})
    if kind.key == "vod:UploadMediaByURL":
        jobs.settings = Settings(durations={kind.key: 60})
        job = submitted(jobs, kind.key, {**parameters, "SessionId": ""})
        yield "CancelUrlUploadJobs", response_of(jobs, "CancelUrlUploadJobs", {"JobIds": f"{job.job_id},unknown"})


def callback_responses() -> Iterator[tuple[str, Any]]:
    """Yield the responses of the actions that set callbacks."""
    for name in ("EventCallback", "MessageCallback"):
        with open_jobs() as jobs:
            for callback_type in ("HTTP", "MNS"):
                parameters = {**example(f"Set{name}", "request"), "CallbackType": callback_type}
                yield f"Set{name}", response_of(jobs, f"Set{name}", parameters)
                yield f"Get{name}", response_of(jobs, f"Get{name}", {})
    with open_jobs() as jobs:
        yield "DeleteMessageCallback", response_of(jobs, "DeleteMessageCallback", {})


@pytest.fixture(scope="module")
def responses() -> dict[str, list[Any]]:
    """Return the responses of every action to the documented requests of all its kinds."""
    found: dict[str, list[Any]] = {}
    of_kinds = (response for kind in JOB_KINDS.values() for response in responses_of(kind))
    for action, response in (*of_kinds, *callback_responses()):
        found.setdefault(action, []).append({"RequestId": "R", **response})
    return found


def compared(action: str, found: list[Any]) -> Comparison:
    comparison = Comparison()
    comparison.compare(example(action, "response"), found, action)
    return comparison


@pytest.mark.parametrize("action", JOB_ACTIONS)
def test_the_responses_of_an_action_have_the_documented_fields(responses: dict[str, list[Any]], action: str) -> None:
    comparison = compared(action, responses[action])
    assert comparison.mistyped == {path for path in OTHER_TYPE if path.split(".")[0] == action}
    assert comparison.missing == {path for path in NOT_SENT if path.split(".")[0] == action}
    assert comparison.unexpected == {path for path in NOT_IN_FIXTURE if path.split(".")[0] == action}


@pytest.mark.parametrize("kind", JOB_KINDS.values(), ids=JOB_KINDS)
def test_the_documented_requests_contain_only_documented_keys(kind: JobKind) -> None:
    for parameters in documented_requests(kind):
        assert undocumented_keys(kind.key, parameters) == []


@pytest.mark.parametrize("kind", JOB_KINDS.values(), ids=JOB_KINDS)
def test_a_successful_job_of_a_kind_has_the_documented_fields(kind: JobKind) -> None:
    query = key_of(kind.family.query, kind.family.product.version)
    with open_jobs(Settings(durations={kind.key: 0})) as jobs:
        job = submitted(jobs, kind.key, documented_requests(kind)[0])
        missing = compared(query, [{"RequestId": "R", **queried(jobs, job)}]).missing - set(NOT_SENT)
    without_errors = {path for path in missing if path.rpartition(".")[2] not in ERROR_FIELDS}
    assert without_errors == {f"{query}.{path}" for path in NOT_OF_KIND.get(kind.key, ())}


def test_most_documented_fields_are_compared(responses: dict[str, list[Any]], record_property: Any) -> None:
    number = sum(len(compared(action, found).compared) for action, found in responses.items())
    record_property("compared_fields", number)
    assert number > 2300


@pytest.mark.parametrize(
    ("response", "missing", "unexpected", "mistyped"),
    [
        ({"a": 1, "b": [{"c": "x"}], "d": '{"e":1}'}, set(), set(), set()),
        ({"b": [{"c": "x"}], "d": '{"e":1}'}, {"X.a"}, set(), set()),
        ({"a": "1", "b": [{"c": "x"}], "d": '{"e":1}'}, set(), set(), {"X.a"}),
        ({"a": True, "b": [{"c": "x"}], "d": '{"e":1}'}, set(), set(), {"X.a"}),
        ({"a": 1, "b": [], "d": '{"e":1}'}, {"X.b[]"}, set(), set()),
        ({"a": 1, "b": [{"c": "x", "f": 1}], "d": '{"e":1}'}, set(), {"X.b[].f"}, set()),
        ({"a": 1, "b": {"c": "x"}, "d": '{"e":1}'}, set(), set(), {"X.b"}),
        ({"a": 1, "b": [{"c": "x"}], "d": "text"}, {"X.d*"}, set(), set()),
        ({"a": 1, "b": [{"c": "x"}], "d": '{"g":1}'}, {"X.d*.e"}, {"X.d*.g"}, set()),
    ],
)
def test_the_comparison_finds_every_kind_of_difference(
    response: Any, missing: set[str], unexpected: set[str], mistyped: set[str]
) -> None:
    comparison = Comparison()
    comparison.compare({"a": 2, "b": [{"c": "y"}], "d": '{"e":2}'}, [response], "X")
    assert (comparison.missing, comparison.unexpected, comparison.mistyped) == (missing, unexpected, mistyped)
