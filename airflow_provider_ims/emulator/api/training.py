"""Jobs that train avatars and voices, and jobs of the Yike applications."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.fields import combined, fields, parameter_or_id, sent
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import Draft, Fields, JobFamily, JobKind, JobView, Render, nothing
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
"""The state of a storyboard job after some of its shots have failed."""

STORYBOARD_PARAMETERS = (
    *("AspectRatio", "FileURL", "ModelParams", "NarrationVoiceId", "Resolution", "ShotPromptMode", "ShotSplitMode"),
    *("SourceType", "StyleId", "Title", "VideoModel"),
)

_SUCCESS = fields(Success=lambda _: True)
_VOICE_ID = parameter_or_id("VoiceId", "voice")


def _avatar(view: JobView) -> Fields:
    """Return the properties of an avatar: the parameters of CreateAvatarTrainingJob or their default values."""
    texts = ("AvatarName", "AvatarDescription", "AvatarType", "Portrait", "Thumbnail", "Video")
    return {
        "AvatarName": "emulated",
        "AvatarDescription": "An emulated avatar",
        "AvatarType": "2DAvatar",
        "Portrait": view.id("portrait"),
        "Thumbnail": view.url(f"{view.job_id}.png"),
        "Video": view.id("video"),
        **view.given(*texts),
        "Transparent": view.parameters.get("Transparent", "true").lower() == "true",
        "LastTrainingTime": iso(view.job.starts),
    }


def _created_voice(view: JobView) -> Fields:
    """Return the properties of a voice: the parameters of CreateCustomizedVoiceJob or their default values."""
    defaults = {"VoiceName": "emulated", "VoiceDesc": "An emulated voice", "Gender": "female", "Scenario": "story"}
    return {**defaults, **view.given(*defaults)}


_AVATAR_DRAFT = Draft(
    "CreateAvatarTrainingJob",
    declare("AvatarName* AvatarDescription AvatarType Portrait Thumbnail Transparent? Video"),
    "JobId",
    _SUCCESS,
)
_VOICE_DRAFT = Draft(
    "CreateCustomizedVoiceJob",
    declare(
        "VoiceId* Gender* Scenario* VoiceDesc VoiceName",
        Gender=one_of("female", "male"),
        Scenario=one_of("story", "interaction", "navigation"),
    ),
    "VoiceId",
    combined(_SUCCESS, lambda view: {"Data": view.given("VoiceId")}),
)


def _voice_kind(
    submit: str,
    parameters: str,
    voice_type: str,
    accepted: Render,
    voice: Render = nothing,
    draft: Draft | None = None,
    **checks: Check,
) -> JobKind:
    return JobKind(
        submit,
        VOICE,
        declare(parameters, **checks),
        "Data.JobId",
        accepted=combined(_SUCCESS, accepted),
        render=combined(voice, fields(VoiceId=_VOICE_ID, Type=voice_type), sent("VoiceName", "Gender")),
        seconds=8.0,
        draft=draft,
    )


def _accepted_voice(view: JobView) -> Fields:
    return {"Data": {"VoiceId": _VOICE_ID(view)}}


def _app_result(view: JobView) -> Fields:
    def output(suffix: str) -> list[Fields]:
        return [{"MediaId": view.id(suffix), "OutputUrl": view.url(f"{view.job_id}.{suffix}")}]

    return {"Result": {"VideoResult": output("mp4"), "ImageResult": output("png"), "AudioResult": output("mp3")}}


def _storyboard(view: JobView) -> Fields:
    """Return the result of a storyboard job or, if the job has failed or is suspended, the failed shots."""
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
    # A submit request can also contain a JobId or VoiceId that was not created in the emulator.
    JobKind(
        "SubmitAvatarTrainingJob",
        AVATAR,
        declare("JobId*"),
        "Data.JobId",
        job_id_parameter="JobId",
        accepted=_SUCCESS,
        render=_avatar,
        result=fields(AvatarId=lambda view: view.id("avatar")),
        seconds=8.0,
        draft=_AVATAR_DRAFT,
    ),
    _voice_kind(
        "SubmitCustomizedVoiceJob",
        "VoiceId* DemoAudioMediaURL",
        "Basic",
        _accepted_voice,
        _created_voice,
        draft=_VOICE_DRAFT,
    ),
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
