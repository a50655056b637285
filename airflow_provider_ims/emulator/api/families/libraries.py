"""The libraries of IMS for media search, DNA (media fingerprints) and recognition of entities."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import ICE, Fields
from airflow_provider_ims.emulator.state.resources import Resource

DEFAULT_SEARCH_LIBRARY = "ims-default-search-lib"


def _indexes(jobs: Jobs, library: Resource) -> Fields:
    """Return the indexes of a search library."""
    indexes = [one.fields for one in Collection(SEARCH_INDEX, jobs).all()]
    of_library = [one for one in indexes if one["SearchLibName"] == library.id]
    return {"IndexInfo": [{"IndexReadiness": "Normal", **one} for one in of_library]}


SEARCH_LIBRARY = ResourceKind(
    "search library",
    ICE,
    id="SearchLibName",
    new_id=None,
    create="CreateSearchLib",
    get="QuerySearchLib",
    list="ListSearchLib",
    update="AlterSearchLib",
    delete="DropSearchLib",
    initial={"Status": "normal"},
    derived=_indexes,
)
SEARCH_INDEX = ResourceKind(
    "search index",
    ICE,
    id="SearchLibName IndexType",
    new_id=None,
    create="CreateSearchIndex",
    get="QuerySearchIndex",
    update="AlterSearchIndex",
    delete="DropSearchIndex",
    initial={"SearchLibName": DEFAULT_SEARCH_LIBRARY, "IndexStatus": "Active", "MediaTotal": 0},
)
SEARCHED_MEDIA = ResourceKind(
    "media asset in a search library",
    ICE,
    id="SearchLibName MediaId",
    create="InsertMediaToSearchLib",
    update="UpdateMediaToSearchLib",
    delete="DeleteMediaFromSearchLib",
    initial={"SearchLibName": DEFAULT_SEARCH_LIBRARY},
)
SEARCHED_STREAM = ResourceKind(
    "stream in a search library",
    ICE,
    id="SearchLibName MediaId",
    create="CreateStreamToSearchLib",
    update="AddStreamTagToSearchLib",
    delete="CloseStreamToSearchLib",
    initial={"SearchLibName": DEFAULT_SEARCH_LIBRARY},
)

DNA_LIBRARY = ResourceKind(
    "DNA library",
    ICE,
    id="DBId",
    create="CreateDNADB",
    list="ListDNADB",
    delete="DeleteDNADB",
    names={"DBIds": "DBId"},
    initial={"Status": "active"},
)

LIBRARY = ResourceKind(
    "recognition library",
    ICE,
    id="LibId",
    create="CreateRecognitionLib",
    list="ListRecognitionLibs",
    delete="DeleteRecognitionLib",
)
ENTITY = ResourceKind(
    "recognition entity",
    ICE,
    id="LibId EntityId",
    create="CreateRecognitionEntity",
    list="ListRecognitionEntities",
    delete="DeleteRecognitionEntity",
)
SAMPLE = ResourceKind(
    "recognition sample",
    ICE,
    id="LibId EntityId SampleId",
    create="CreateRecognitionSample",
    list="ListRecognitionSamples",
    delete="DeleteRecognitionSample",
)

LIBRARY_FAMILIES = (
    Family(ICE, "search libraries", (SEARCH_LIBRARY, SEARCH_INDEX, SEARCHED_MEDIA, SEARCHED_STREAM)),
    Family(ICE, "DNA libraries", (DNA_LIBRARY,)),
    Family(ICE, "recognition libraries", (LIBRARY, ENTITY, SAMPLE)),
)
