"""Jobs that train avatars and voices, and jobs of the Yike applications."""

from __future__ import annotations

from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.kind import TITLE, JobKind
from airflow_provider_ims._jobs.outputs import report_failed_shots
from airflow_provider_ims._jobs.parameters import Parameter, declare

AVATAR_TRAINING = JobFamily(
    name="avatar_training",
    query_action="GetAvatarTrainingJob",
    running=("Init", "Queuing", "Training"),
    jobs="Data.AvatarTrainingJob",
    error=("", "Message"),
    result=("AvatarId", "AvatarName", "AvatarType"),
)

CUSTOMIZED_VOICE = JobFamily(
    name="customized_voice",
    query_action="GetCustomizedVoiceJob",
    running=("Initialization", "AudioDetecting", "PreTraining", "Training"),
    jobs="Data.CustomizedVoiceJob",
    error=("", "Message"),
    result=("VoiceId", "VoiceName", "Type", "Gender"),
)

# No error field is documented for these two families.
YIKE_APP = JobFamily(
    name="yike_app",
    query_action="GetYikeAIAppJob",
    running=("Created", "Queuing", "Executing"),
    succeeded=("Finished",),
    failed=("Failed",),
    error=("", ""),
    result=("audios=Result.AudioResult", "images=Result.ImageResult", "videos=Result.VideoResult"),
)

YIKE_STORYBOARD = JobFamily(
    name="yike_storyboard",
    query_action="GetYikeStoryboardJob",
    running=("Running",),
    succeeded=("Succeeded",),
    failed=("Failed", "Suspended"),
    status="JobStatus",
    error=("", ""),
    result=("JobResult",),
    parts="shots",
    refine=report_failed_shots,
)

_GENDER = Parameter("Gender", choices=("female", "male"))

TRAINING_KINDS = (
    # This action submits a job that CreateAvatarTrainingJob created; the job keeps its id.
    JobKind(
        title="avatar training",
        submit_action="SubmitAvatarTrainingJob",
        family=AVATAR_TRAINING,
        job_id="Data.JobId",
        parameters=declare("JobId*"),
    ),
    # This action trains a voice that CreateCustomizedVoiceJob created.
    JobKind(
        title="voice training",
        submit_action="SubmitCustomizedVoiceJob",
        family=CUSTOMIZED_VOICE,
        job_id="Data.JobId",
        parameters=declare("VoiceId* DemoAudioMediaURL"),
    ),
    JobKind(
        title="standard voice training",
        submit_action="SubmitStandardCustomizedVoiceJob",
        family=CUSTOMIZED_VOICE,
        job_id="Data.JobId",
        parameters=declare("Audios Authentication VoiceName", _GENDER, "DemoAudioMediaURL"),
    ),
    JobKind(
        title="CosyVoice training",
        submit_action="SubmitCosyVoiceCustomizedVoiceJob",
        family=CUSTOMIZED_VOICE,
        job_id="Data.JobId",
        parameters=declare("Audios Model VoiceName", _GENDER, "DemoAudioMediaURL"),
    ),
    JobKind(
        title="Yike application",
        submit_action="SubmitYikeAIAppJob",
        family=YIKE_APP,
        parameters=declare("AppId* AppParams:json FolderId ProductionId"),
    ),
    JobKind(
        title="Yike storyboard",
        submit_action="SubmitYikeStoryboardJob",
        family=YIKE_STORYBOARD,
        parameters=declare(
            "FileURL SourceType StyleId AspectRatio Resolution ExecMode ShotSplitMode ShotPromptMode",
            "SkipFailureShot:flag NarrationVoiceId VideoModel ModelParams:json",
            TITLE,
            "UserData:json",
        ),
    ),
)
