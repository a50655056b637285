"""
The catalogue of job kinds: all kinds of IMS and VOD jobs that a task can wait for.

Each kind is declared in the module of its family. Parameter and field names are those of the product SDKs. A limit is
declared only if the service's documentation is consistent about it. A test checks that either this catalogue or
:data:`NO_JOBS` contains each action of the product SDKs whose name begins with ``Submit``, and each other action that
is not read-only and returns the id of a job or a task.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from airflow_provider_ims._jobs.ai_image import AI_IMAGE_JOB
from airflow_provider_ims._jobs.analysis import ANALYSIS_KINDS
from airflow_provider_ims._jobs.batch import BATCH_KINDS
from airflow_provider_ims._jobs.family import JobFamily
from airflow_provider_ims._jobs.kind import JobKind
from airflow_provider_ims._jobs.processing import PROCESSING_KINDS
from airflow_provider_ims._jobs.producing import PRODUCING_KINDS
from airflow_provider_ims._jobs.smart import SMART_KINDS
from airflow_provider_ims._jobs.training import TRAINING_KINDS
from airflow_provider_ims._jobs.uploads import UPLOAD_KINDS
from airflow_provider_ims._jobs.vod import VOD_KINDS
from airflow_provider_ims._jobs.workflow import WORKFLOW_KINDS
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.hooks._actions import ICE, VOD, Product

KINDS: tuple[JobKind, ...] = (
    *SMART_KINDS,
    *BATCH_KINDS,
    *PRODUCING_KINDS,
    *PROCESSING_KINDS,
    *ANALYSIS_KINDS,
    *TRAINING_KINDS,
    *WORKFLOW_KINDS,
    AI_IMAGE_JOB,
    *VOD_KINDS,
    *UPLOAD_KINDS,
)

#: Name of a job family -> the family.
FAMILIES: Mapping[str, JobFamily] = MappingProxyType({kind.family.name: kind.family for kind in KINDS})

_LIVE = "its job runs as long as the live stream does, and the stream may have no end"
_NO_STATE = "no action returns the state of its job"
_CHANGES_A_JOB = "it starts no job; to wait for the job that it changes, use a sensor"
_DRAFT = "it only creates the job, and {} starts it"
_CACHE = "it changes CDN caches and starts no media job; {} returns the state of its task"
#: Product code -> actions that are not job kinds although their names or responses suggest that they are -> the reason.
NO_JOBS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        ICE.code: {
            "SubmitSyncMediaInfoJob": "its response contains the result",
            "SubmitMediaAiAnalysisJob": "its response contains no job id; QueryMediaIndexJob queries by media id",
            "SubmitCopyrightExtractJob": "QueryCopyrightExtractJob returns the watermark, but no state",
            "SubmitTraceExtractJob": "QueryTraceExtractJob returns the watermark, but no state",
            "SubmitAIAgentVideoAuditTask": f"{_NO_STATE}; its results are sent to CallbackConfig",
            "SubmitLiveRecordJob": _LIVE,
            "SubmitLiveSnapshotJob": _LIVE,
            "SubmitLiveTranscodeJob": _LIVE,
            "CreateAvatarTrainingJob": _DRAFT.format("SubmitAvatarTrainingJob"),
            "CreateCustomizedVoiceJob": _DRAFT.format("SubmitCustomizedVoiceJob"),
            "UpdateAvatarTrainingJob": _CHANGES_A_JOB,
            "DeleteAvatarTrainingJob": "it deletes a job",
            "CancelDNAJob": "it cancels a job",
            "StopAIWorkflowTask": "it cancels a job",
            "ResumeYikeStoryboardJob": _CHANGES_A_JOB,
        },
        VOD.code: {
            "SubmitAIImageAuditJob": f"{_NO_STATE}; GetMediaAuditResult queries the image",
            "SubmitDigitalWatermarkExtractJob": "GetDigitalWatermarkExtractResult queries by video, not by job",
            "SubmitDynamicImageJob": f"{_NO_STATE}; ListDynamicImage queries the video",
            "SubmitMediaDNADeleteJob": _NO_STATE,
            "SubmitPreprocessJobs": _NO_STATE,
            "CancelUrlUploadJobs": "it cancels jobs",
            "PreloadVodObjectCaches": _CACHE.format("DescribeVodRefreshTasks"),
            "RefreshVodObjectCaches": _CACHE.format("DescribeVodRefreshTasks"),
            "RefreshMediaPlayUrls": _CACHE.format("GetMediaRefreshJobs"),
        },
    }
)


def kind_of(action: str, product: Product = ICE) -> JobKind:
    """
    Return the kind of the jobs that an action submits.

    :param action: The submit action, such as ``SubmitASRJob``.
    :param product: The product of the action. Default: IMS.
    :raises ImsRequestError: if no job kind has this submit action; the message contains the reason or suggests similar
        actions.
    """
    known = {kind.submit_action: kind for kind in KINDS if kind.family.product is product}
    if action in known:
        return known[action]
    if reason := NO_JOBS[product.code].get(action):
        raise ImsRequestError(
            f"job: cannot wait for a job of {action}: {reason}. To call it, use ImsApiOperator or VodApiOperator",
            field="job",
        )
    if other := next((kind.family.product for kind in KINDS if kind.submit_action == action), None):
        raise ImsRequestError(f"job: {action} is an action of {other.code}, not of {product.code}", field="job")
    raise ImsRequestError(
        f"job: unknown submit action {action!r} of {product.code}. {_suggest(action, known)}", field="job"
    )


def family_of(name: str, product: Product | None = None) -> JobFamily:
    """
    Return a job family.

    :param name: The name of the family or its query action, such as ``smart`` or ``GetSmartHandleJob``.
    :param product: The product that the family must belong to. Default: any.
    :raises ImsRequestError: if there is no such family, or it belongs to another product; the message contains this
        product, or suggests similar names.
    """
    named = [family for family in FAMILIES.values() if name in (family.name, family.query_action)]
    if not named:
        known = {**{family.query_action: family for family in FAMILIES.values()}, **FAMILIES}
        raise ImsRequestError(f"job: unknown job family {name!r}. {_suggest(name, known)}", field="job")
    # Both products have an action GetWorkflowTask.
    family = next((one for one in named if product in (None, one.product)), None)
    if family is None:
        others = f"{named[0].product.code}, not of {product.code if product else ''}"
        raise ImsRequestError(f"job: {name} is a job family of {others}", field="job")
    return family


def is_submit_action(name: str) -> bool:
    """Return whether a name is that of a submit action, and not that of a family or a query action."""
    return name.startswith("Submit") or any(name == kind.submit_action for kind in KINDS)


def _suggest(word: str, known: Mapping[str, Any]) -> str:
    # Nearly all action names share a prefix and a suffix, so only the part in between is compared.
    cores = {_core(name): name for name in known}
    near = [cores[core] for core in get_close_matches(_core(word), cores, n=5, cutoff=0.5)]
    return f"Did you mean {', '.join(near)}?" if near else f"Known names: {', '.join(sorted(known))}"


def _core(action: str) -> str:
    return action.removeprefix("Submit").removesuffix("s").removesuffix("Job").lower()
