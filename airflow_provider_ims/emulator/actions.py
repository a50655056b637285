"""The actions and the kinds of jobs that the emulator knows, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

ICE = "2020-11-09"
VOD = "2017-03-21"


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
        "GetSmartHandleJob": ICE,
        "ListSmartJobs": ICE,
        "SubmitBatchMediaProducingJob": ICE,
        "GetBatchMediaProducingJob": ICE,
        "ListBatchMediaProducingJobs": ICE,
        "SubmitAIImageJob": VOD,
        "GetAIImageJobs": VOD,
        "ListAIImageInfo": VOD,
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
    """

    states: tuple[str, str, str, str]
    seconds: float


SMART = ("Created", "Executing", "Finished", "Failed")
BATCH = ("Init", "Processing", "Finished", "Failed")
SUB_JOB = ("Init", "Processing", "Success", "Failed")
# Only success and fail are documented; the word for a running job is a setting of the emulator.
IMAGE = ("processing", "processing", "success", "fail")

KINDS = MappingProxyType(
    {
        "SubmitTextGenerateJob": JobKind(SMART, 2.0),
        "SubmitAudioProduceJob": JobKind(SMART, 3.0),
        "SubmitBatchMediaProducingJob": JobKind(BATCH, 6.0),
        "SubmitAIImageJob": JobKind(IMAGE, 2.0),
    }
)
