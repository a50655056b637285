"""The actions and the kinds of jobs that the emulator knows, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from airflow_provider_ims.emulator import kinds
from airflow_provider_ims.emulator.families import ICE, VOD


@dataclass(frozen=True)
class Product:
    """A product of Alibaba Cloud as its API names it."""

    ram: str
    name: str


PRODUCTS = MappingProxyType({ICE: Product("ice", "ICE"), VOD: Product("vod", "vod")})

# action -> the version of the API that has it
ACTIONS = MappingProxyType(
    {
        "SubmitTextGenerateJob": ICE,
        "SubmitAudioProduceJob": ICE,
        "SubmitASRJob": ICE,
        "SubmitVideoTranslationJob": ICE,
        "SubmitAvatarVideoJob": ICE,
        "SubmitSegmentationJob": ICE,
        "SubmitHighlightExtractionJob": ICE,
        "SubmitDynamicChartJob": ICE,
        "GetSmartHandleJob": ICE,
        "ListSmartJobs": ICE,
        "SubmitBatchMediaProducingJob": ICE,
        "SubmitSceneMediaSelectionJob": ICE,
        "SubmitSceneTimelineOrganizationJob": ICE,
        "SubmitSceneBatchEditingJob": ICE,
        "SubmitScreenMediaHighlightsJob": ICE,
        "SubmitSportsHighlightsJob": ICE,
        "GetBatchMediaProducingJob": ICE,
        "ListBatchMediaProducingJobs": ICE,
        "SubmitAIImageJob": VOD,
        "GetAIImageJobs": VOD,
        "ListAIImageInfo": VOD,
        **{kind.key: kind.family.version for kind in kinds.KINDS},
        **{kind.family.query: kind.family.version for kind in kinds.KINDS},
        **{kind.family.listing.action: kind.family.version for kind in kinds.KINDS if kind.family.listing},
        **{action: family.version for action, (family, _) in kinds.CANCELS.items()},
    }
)


class Phase(IntEnum):
    """How far a job is; each family has its own words for these."""

    CREATED = 0
    RUNNING = 1
    SUCCEEDED = 2
    FAILED = 3


@dataclass(frozen=True)
class JobKind:
    """
    What the jobs of one submit action have in common.

    :param states: the words for the phases, in the order of :class:`Phase`.
    :param seconds: how long a job takes, unless configured otherwise.
    :param succeeded: further words that mean that it succeeded, and ``failed`` that it failed.
    """

    states: tuple[str, str, str, str]
    seconds: float
    succeeded: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


SMART = ("Created", "Executing", "Finished", "Failed")
BATCH = ("Init", "Processing", "Finished", "Failed")
SUB_JOB = ("Init", "Processing", "Success", "Failed")
# Only success and fail are documented; the word for a running job is a setting of the emulator.
IMAGE = ("processing", "processing", "success", "fail")

KINDS = MappingProxyType(
    {
        "SubmitTextGenerateJob": JobKind(SMART, 2.0),
        "SubmitAudioProduceJob": JobKind(SMART, 3.0),
        "SubmitASRJob": JobKind(SMART, 3.0),
        "SubmitVideoTranslationJob": JobKind(SMART, 6.0),
        "SubmitAvatarVideoJob": JobKind(SMART, 6.0),
        "SubmitSegmentationJob": JobKind(SMART, 4.0),
        "SubmitHighlightExtractionJob": JobKind(SMART, 4.0),
        "SubmitDynamicChartJob": JobKind(SMART, 3.0),
        "SubmitBatchMediaProducingJob": JobKind(BATCH, 6.0),
        "SubmitSceneMediaSelectionJob": JobKind(BATCH, 3.0),
        "SubmitSceneTimelineOrganizationJob": JobKind(BATCH, 3.0),
        "SubmitSceneBatchEditingJob": JobKind(BATCH, 6.0),
        "SubmitScreenMediaHighlightsJob": JobKind(BATCH, 6.0),
        "SubmitSportsHighlightsJob": JobKind(BATCH, 6.0),
        "SubmitAIImageJob": JobKind(IMAGE, 2.0),
        **{
            kind.key: JobKind(
                kind.family.states,
                kind.seconds,
                (*kind.family.succeeded, *((kind.family.partly,) if kind.family.partly else ())),
                kind.family.failed,
            )
            for kind in kinds.KINDS
        },
    }
)
