"""
The catalogue of job kinds: everything that IMS and VOD can be asked to do and that can be waited for.

Each entry is data, in the module of its family. The names of parameters and fields are those of the product SDKs; the
limits are the documented ones on which the documents agree, and everything else the service decides. A kind that an
SDK brings and that is neither here nor among :data:`NO_JOBS` fails a test.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.hooks.actions import ICE, VOD, Product
from airflow_provider_ims.jobs.ai_image import AI_IMAGE_JOB
from airflow_provider_ims.jobs.analysis import ANALYSIS_KINDS
from airflow_provider_ims.jobs.batch import BATCH_KINDS, BATCH_MEDIA_PRODUCING
from airflow_provider_ims.jobs.family import JobFamily
from airflow_provider_ims.jobs.kind import JobKind
from airflow_provider_ims.jobs.processing import PROCESSING_KINDS
from airflow_provider_ims.jobs.producing import PRODUCING_KINDS
from airflow_provider_ims.jobs.smart import AUDIO_PRODUCE, SMART_KINDS, TEXT_GENERATE
from airflow_provider_ims.jobs.training import TRAINING_KINDS
from airflow_provider_ims.jobs.vod import VOD_KINDS

__all__ = [
    "AI_IMAGE_JOB",
    "AUDIO_PRODUCE",
    "BATCH_MEDIA_PRODUCING",
    "FAMILIES",
    "KINDS",
    "NO_JOBS",
    "TEXT_GENERATE",
    "JobKind",
    "catalogue_rows",
    "family_of",
    "kind_of",
]

KINDS: tuple[JobKind, ...] = (
    *SMART_KINDS,
    *BATCH_KINDS,
    *PRODUCING_KINDS,
    *PROCESSING_KINDS,
    *ANALYSIS_KINDS,
    *TRAINING_KINDS,
    AI_IMAGE_JOB,
    *VOD_KINDS,
)

#: Name -> family.
FAMILIES: Mapping[str, JobFamily] = MappingProxyType({kind.family.name: kind.family for kind in KINDS})

_LIVE = "it runs for as long as its stream does, and comes to no end that could be waited for"
_UNTOLD = "no action tells the state of its job"

#: Submit actions that are no kind of job here, by product code, with the reason.
NO_JOBS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        ICE.code: {
            "SubmitSyncMediaInfoJob": "it answers with its result, so there is nothing to wait for",
            "SubmitMediaAiAnalysisJob": "it answers with a media id and no job; QueryMediaIndexJob tells of the media",
            "SubmitCopyrightExtractJob": "QueryCopyrightExtractJob tells the watermark, but no state",
            "SubmitTraceExtractJob": "QueryTraceExtractJob tells the watermark, but no state",
            "SubmitAIAgentVideoAuditTask": f"{_UNTOLD}; its results go to CallbackConfig",
            "SubmitLiveRecordJob": _LIVE,
            "SubmitLiveSnapshotJob": _LIVE,
            "SubmitLiveTranscodeJob": _LIVE,
        },
        VOD.code: {
            "SubmitAIImageAuditJob": f"{_UNTOLD}; GetMediaAuditResult tells of the image",
            "SubmitDigitalWatermarkExtractJob": "GetDigitalWatermarkExtractResult is asked by video, not by job",
            "SubmitDynamicImageJob": f"{_UNTOLD}; ListDynamicImage tells of the video",
            "SubmitMediaDNADeleteJob": _UNTOLD,
            "SubmitPreprocessJobs": _UNTOLD,
        },
    }
)


def kind_of(action: str, product: Product = ICE) -> JobKind:
    """
    Return the kind of job that an action submits.

    :param action: The submit action, such as ``SubmitASRJob``.
    :param product: The product that has it.
    :raises ImsRequestError: naming the near ones, when there is none.
    """
    known = {kind.submit_action: kind for kind in KINDS if kind.family.product is product}
    if action in known:
        return known[action]
    if reason := NO_JOBS[product.code].get(action):
        raise ImsRequestError(f"job: {action} cannot be waited for: {reason}", field="job")
    if other := next((kind.family.product for kind in KINDS if kind.submit_action == action), None):
        raise ImsRequestError(f"job: {action} is an action of {other.code}, not of {product.code}", field="job")
    raise ImsRequestError(
        f"job: {action!r} submits no job of {product.code}{_near(action, known)}",
        field="job",
    )


def family_of(name: str) -> JobFamily:
    """
    Return a family of jobs.

    :param name: Its name, or its query action, such as ``smart`` or ``GetSmartHandleJob``.
    :raises ImsRequestError: naming the near ones, when there is none.
    """
    known = {**{family.query_action: family for family in FAMILIES.values()}, **FAMILIES}
    if name not in known:
        raise ImsRequestError(f"job: {name!r} is no family of jobs{_near(name, known)}", field="job")
    return known[name]


def _near(word: str, known: Mapping[str, Any]) -> str:
    # Nearly all begin and end alike: what lies between tells them apart.
    cores = {_core(name): name for name in known}
    near = [cores[core] for core in get_close_matches(_core(word), cores, n=5, cutoff=0.5)]
    return f"; near it are {', '.join(near)}" if near else f"; these exist: {', '.join(sorted(known))}"


def _core(action: str) -> str:
    return action.removeprefix("Submit").removesuffix("s").removesuffix("Job").lower()


def catalogue_rows() -> list[dict[str, Any]]:
    """
    Return the catalogue as plain data, for the documentation.

    :return: For each kind ``title``, ``product`` (its code), ``submit_action``, ``query_action``, ``running``,
        ``succeeded`` and ``failed`` (state words), ``found_by`` (``client_token``, ``marker`` or ``None``: how a job
        is found whose id was lost), ``dedup_parameter``, ``search_proves``, ``listing`` (the action or ``None``),
        ``cancel_action``, ``cancel_while`` and ``ram_actions``.
    """
    return [
        {
            "title": kind.title,
            "product": kind.family.product.code,
            "submit_action": kind.submit_action,
            "query_action": kind.family.query_action,
            "running": kind.family.running,
            "succeeded": kind.family.succeeded,
            "failed": kind.family.failed,
            "found_by": "client_token" if kind.takes_client_token else "marker" if kind.takes_marker else None,
            "dedup_parameter": kind.dedup_parameter,
            "search_proves": kind.search_proves,
            "listing": kind.family.listing.action if kind.family.listing else None,
            "cancel_action": kind.family.cancel_action,
            "cancel_while": kind.family.cancel_while,
            "ram_actions": kind.ram_actions,
        }
        for kind in KINDS
    ]
