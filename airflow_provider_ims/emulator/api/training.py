"""Avatar training, voice training, and Yike applications."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.fields import combined, fields, parameter_or_id, sent
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import Fields, JobFamily, JobKind, JobView, Render, nothing
from airflow_provider_ims.emulator.api.parameters import Check, declare, one_of
from airflow_provider_ims.emulator.state.clock import iso
from airflow_provider_ims.emulator.state.store import Phase

AVATAR = JobFamily(
    "GetAvatarTrainingJob",
    ("Init", "Training", "Success", "Fail"),
    "Data.AvatarTrainingJob",
    error=("", "Message"),
    times=("FirstTrainingTime", ""),
    user_data=False,
    beside={"Success": True},
)
VOICE = JobFamily(
    "GetCustomizedVoiceJob",
    ("Initialization", "Training", "Success", "Fail"),
    "Data.CustomizedVoiceJob",
    error=("", "Message"),
    times=("CreateTime", ""),
    user_data=False,
    beside={"Success": True},
)
YIKE_APP = JobFamily(
    "GetYikeAIAppJob",
    ("Created", "Executing", "Finished", "Failed"),
    error=("", ""),
    times=("ExecutionStartTime", "ExecutionFinishTime"),
    user_data=False,
    id_optional=True,
)
YIKE_STORYBOARD = JobFamily(
    "GetYikeStoryboardJob",
    ("Running", "Running", "Succeeded", "Failed"),
    state="JobStatus",
    failed=("Suspended",),
    error=("", ""),
    times=("", ""),
    user_data=False,
    resume="ResumeYikeStoryboardJob",
    id_optional=True,
)


SUSPENDED = "Suspended"
"""The state of a storyboard job in which some shots failed."""

STORYBOARD_PARAMETERS = (
    *("AspectRatio", "FileURL", "ModelParams", "NarrationVoiceId", "Resolution", "ShotPromptMode", "ShotSplitMode"),
    *("SourceType", "StyleId", "Title", "VideoModel"),
)

_SUCCESS = fields(Success=lambda _: True)
_VOICE_ID = parameter_or_id("VoiceId", "voice")

#: The properties of the avatar, which CreateAvatarTrainingJob sets in the service.
_AVATAR = fields(
    AvatarName="emulated",
    AvatarDescription="An emulated avatar",
    AvatarType="2DAvatar",
    Portrait=lambda view: view.id("portrait"),
    Thumbnail=lambda view: view.url(f"{view.job_id}.png"),
    Transparent=lambda _: True,
    Video=lambda view: view.id("video"),
    LastTrainingTime=lambda view: iso(view.job.starts),
)


#: The properties of a voice that CreateCustomizedVoiceJob sets in the service.
_CREATED_VOICE = fields(VoiceName="emulated", VoiceDesc="An emulated voice", Gender="female", Scenario="story")


def _voice_kind(
    submit: str, parameters: str, voice_type: str, accepted: Render, voice: Render = nothing, **checks: Check
) -> JobKind:
    return JobKind(
        submit,
        VOICE,
        declare(parameters, **checks),
        "Data.JobId",
        accepted=combined(_SUCCESS, accepted),
        render=combined(voice, fields(VoiceId=_VOICE_ID, Type=voice_type), sent("VoiceName", "Gender")),
        seconds=8.0,
    )


def _accepted_voice(view: JobView) -> Fields:
    return {"Data": {"VoiceId": _VOICE_ID(view)}}


def _app_result(view: JobView) -> Fields:
    def output(suffix: str) -> list[Fields]:
        return [{"MediaId": view.id(suffix), "OutputUrl": view.url(f"{view.job_id}.{suffix}")}]

    return {"Result": {"VideoResult": output("mp4"), "ImageResult": output("png"), "AudioResult": output("mp3")}}


def _storyboard(view: JobView) -> Fields:
    """Return the result of a storyboard job, or the failed shots if it failed or is suspended."""
    storyboard_id = f"st_{view.id('storyboard')[:10]}"
    title = view.parameters.get("Title", "")
    info = {"storyboardId": storyboard_id, "title": title, "status": "Produced", "subStatus": "ProduceSucc"}
    result = {
        "OutputUrl": view.url(f"{view.job_id}.mp4"),
        "SuccessStoryboardIds": storyboard_id,
        "SuccessStoryboardList": dump([storyboard_id]),
        "StoryboardInfoList": dump([info]),
    }
    failed_shot = {"errorCode": "NoMediaData", "storyboardId": storyboard_id, "shotId": "1"}
    failed = {"ExceptionStoryboardIds": dump([storyboard_id]), "FailureShotList": dump([failed_shot])}
    if view.phase is Phase.SUCCEEDED:
        return {"JobResult": result}
    return {"JobResult": failed} if view.phase is Phase.FAILED or view.state == SUSPENDED else {}


def _storyboard_parameters(view: JobView) -> Fields:
    return {"JobParams": view.given(*STORYBOARD_PARAMETERS)}


TRAINING_KINDS = (
    # CreateAvatarTrainingJob and CreateCustomizedVoiceJob are not emulated, so any avatar or voice id is accepted.
    JobKind(
        "SubmitAvatarTrainingJob",
        AVATAR,
        declare("JobId*"),
        "Data.JobId",
        job_id_parameter="JobId",
        accepted=_SUCCESS,
        render=_AVATAR,
        result=fields(AvatarId=lambda view: view.id("avatar")),
        seconds=8.0,
    ),
    _voice_kind("SubmitCustomizedVoiceJob", "VoiceId* DemoAudioMediaURL", "Basic", _accepted_voice, _CREATED_VOICE),
    _voice_kind(
        "SubmitStandardCustomizedVoiceJob",
        "Audios Authentication VoiceName Gender DemoAudioMediaURL",
        "Standard",
        nothing,
        Gender=one_of("female", "male"),
    ),
    _voice_kind(
        "SubmitCosyVoiceCustomizedVoiceJob",
        "Audios Model VoiceName Gender DemoAudioMediaURL",
        "Standard",
        _accepted_voice,
        Gender=one_of("female", "male"),
    ),
    JobKind(
        "SubmitYikeAIAppJob",
        YIKE_APP,
        declare("AppId* AppParams{} FolderId ProductionId"),
        render=sent("AppId", "AppParams", "FolderId", "ProductionId"),
        result=_app_result,
    ),
    JobKind(
        "SubmitYikeStoryboardJob",
        YIKE_STORYBOARD,
        declare(
            "FileURL SourceType StyleId AspectRatio Resolution ExecMode ShotSplitMode ShotPromptMode SkipFailureShot?"
            " NarrationVoiceId VideoModel ModelParams{} Title<128 UserData{}"
        ),
        render=combined(_storyboard, _storyboard_parameters),
    ),
)
