"""Avatar training, voice training, and Yike applications."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.model import Fields, JobFamily, JobKind, JobView
from airflow_provider_ims.emulator.api.parameters import Check, declare, one_of

AVATAR = JobFamily(
    "GetAvatarTrainingJob",
    ("Init", "Training", "Success", "Fail"),
    "Data.AvatarTrainingJob",
    error=("", "Message"),
    times=("FirstTrainingTime", "LastTrainingTime"),
)
VOICE = JobFamily(
    "GetCustomizedVoiceJob",
    ("Initialization", "Training", "Success", "Fail"),
    "Data.CustomizedVoiceJob",
    error=("", "Message"),
    times=("CreateTime", ""),
)
YIKE_APP = JobFamily(
    "GetYikeAIAppJob",
    ("Created", "Executing", "Finished", "Failed"),
    error=("", ""),
    times=("ExecutionStartTime", "ExecutionFinishTime"),
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
)


def _avatar(view: JobView) -> Fields:
    return {"AvatarId": view.id("avatar"), "AvatarName": "emulated", "AvatarType": "2DAvatar"}


def _voice(view: JobView) -> Fields:
    return {
        "VoiceId": view.parameters.get("VoiceId") or view.id("voice"),
        "Type": "Standard" if "Audios" in view.parameters else "Basic",
        **view.given("VoiceName", "Gender"),
    }


def _voice_kind(submit: str, parameters: str, **checks: Check) -> JobKind:
    return JobKind(submit, VOICE, declare(parameters, **checks), "Data.JobId", render=_voice, seconds=8.0)


def _app_result(view: JobView) -> Fields:
    video = {"MediaId": view.id("media"), "OutputUrl": view.url(f"{view.job_id}.mp4")}
    return {"Result": {"VideoResult": [video], "ImageResult": [], "AudioResult": []}}


def _storyboard(view: JobView) -> Fields:
    result = {"OutputUrl": view.url(f"{view.job_id}.mp4"), "SuccessStoryboardIds": view.id("storyboard")}
    return {"JobResult": result}


TRAINING_KINDS = (
    # CreateAvatarTrainingJob and CreateCustomizedVoiceJob are not emulated, so any avatar or voice id is accepted.
    JobKind("SubmitAvatarTrainingJob", AVATAR, declare("JobId*"), "Data.JobId", result=_avatar, seconds=8.0),
    _voice_kind("SubmitCustomizedVoiceJob", "VoiceId* DemoAudioMediaURL"),
    _voice_kind(
        "SubmitStandardCustomizedVoiceJob",
        "Audios Authentication VoiceName Gender DemoAudioMediaURL",
        Gender=one_of("female", "male"),
    ),
    _voice_kind(
        "SubmitCosyVoiceCustomizedVoiceJob",
        "Audios Model VoiceName Gender DemoAudioMediaURL",
        Gender=one_of("female", "male"),
    ),
    JobKind("SubmitYikeAIAppJob", YIKE_APP, declare("AppId* AppParams{} FolderId ProductionId"), result=_app_result),
    JobKind(
        "SubmitYikeStoryboardJob",
        YIKE_STORYBOARD,
        declare(
            "FileURL SourceType StyleId AspectRatio Resolution ExecMode ShotSplitMode ShotPromptMode SkipFailureShot?"
            " NarrationVoiceId VideoModel ModelParams{} Title<128 UserData{}"
        ),
        result=_storyboard,
    ),
)
