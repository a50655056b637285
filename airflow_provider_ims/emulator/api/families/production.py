"""The actions of IMS for video production and media processing: projects, templates, pipelines and settings."""

from __future__ import annotations

import base64
import os
from typing import Any

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind, Respond
from airflow_provider_ims.emulator.api.families.media import find_media, show_media, split
from airflow_provider_ims.emulator.api.families.responses import Numbered
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import ICE, VOD, Fields, Product, stable_id
from airflow_provider_ims.emulator.api.parameters import parse_object
from airflow_provider_ims.emulator.state.resources import Resource

PROJECT = ResourceKind(
    "editing project",
    ICE,
    id="ProjectId",
    create="CreateEditingProject",
    get="GetEditingProject",
    list="ListEditingProjects SearchEditingProject",
    update="UpdateEditingProject",
    delete="DeleteEditingProjects",
    ids={"DeleteEditingProjects": "ProjectIds"},
    names={"MaterialMaps": "Materials"},
    initial={
        "CreateSource": "OpenAPI",
        "ModifiedSource": "OpenAPI",
        "ProjectType": "EditingProject",
    },
    derived=lambda jobs, project: {"Status": Numbered("Draft", 1), "StatusName": "Draft"},
    unknown="ProjectNotFound",
)


def _materials(project: Resource) -> Fields:
    maps: Any = project.fields.get("Materials") or {}
    return parse_object(maps, "MaterialMaps") if isinstance(maps, str) else dict(maps)


def _show_materials(jobs: Jobs, project: Resource) -> Fields:
    materials = _materials(project)
    ids = [media_id for kind in ("video", "audio", "image") for media_id in split(materials, kind)]
    media = [found for media_id in ids if (found := find_media(jobs, media_id, None)) is not None]
    return {
        "ProjectId": project.id,
        "MediaInfos": [show_media(jobs, one) for one in media],
        "LiveMaterials": materials.get("liveStream") or [],
        "ProjectMaterials": split(materials, "editingProject"),
    }


def get_materials(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return the materials of an editing project."""
    return _show_materials(jobs, Collection(PROJECT, jobs).named("GetEditingProject", parameters))


def add_materials(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Add materials to an editing project. Added live streams replace the existing live streams."""
    projects = Collection(PROJECT, jobs)
    project = projects.named("GetEditingProject", parameters)
    materials = _materials(project)
    for kind, added in parse_object(parameters["MaterialMaps"], "MaterialMaps").items():
        is_list = kind == "liveStream"
        known = [] if is_list else split(materials, kind)
        materials[kind] = added if is_list else ",".join(dict.fromkeys([*known, *split({kind: added}, kind)]))
    projects.update(project, {"Materials": materials})
    return _show_materials(jobs, project)


def delete_materials(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Remove materials from an editing project."""
    projects = Collection(PROJECT, jobs)
    project = projects.named("GetEditingProject", parameters)
    kind, removed = parameters["MaterialType"], split(parameters, "MaterialIds")
    materials = _materials(project)
    materials[kind] = ",".join(one for one in split(materials, kind) if one not in removed)
    projects.update(project, {"Materials": materials})
    return {}


TEMPLATE = ResourceKind(
    "template",
    ICE,
    id="TemplateId",
    create="AddTemplate",
    get="GetTemplate",
    list="ListTemplates",
    update="UpdateTemplate",
    delete="DeleteTemplate",
    ids={"DeleteTemplate": "TemplateIds"},
    names={"Source": "CreateSource"},
    initial={"Status": "Available", "CreateSource": "OpenAPI", "ModifiedSource": "OpenAPI"},
)

#: ``Type`` of a media processing template -> ``TypeName``.
TYPE_NAMES = {
    "1": "TranscodeTemplate",
    "2": "SnapshotTemplate",
    "3": "AnimationTemplate",
    "4": "WatermarkTemplate",
    "5": "SubtitleTemplate",
    "6": "AI Content Moderation Template",
    "7": "AI Intelligent Thumbnail Template",
    "8": "AI Intelligent Erasure Template",
    "9": "AI Media Fingerprint Analysis Template",
    "10": "AI Smart Tag Analysis Template",
}


def set_default_template(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Make a template the default template of its type."""
    templates = Collection(CUSTOM_TEMPLATE, jobs)
    chosen = templates.named("GetCustomTemplate", parameters)
    for template in templates.all():
        if template.fields["Type"] == chosen.fields["Type"]:
            templates.update(template, {"IsDefault": template.id == chosen.id})
    return {}


CUSTOM_TEMPLATE = ResourceKind(
    "custom template",
    ICE,
    id="TemplateId",
    create="CreateCustomTemplate",
    get="GetCustomTemplate",
    list="ListCustomTemplates",
    update="UpdateCustomTemplate",
    delete="DeleteCustomTemplate",
    other={"SetDefaultCustomTemplate": set_default_template},
    names={"Name": "TemplateName"},
    initial={"Status": "Normal", "IsDefault": False},
    derived=lambda jobs, template: {"TypeName": TYPE_NAMES.get(str(template.fields["Type"]))},
    objects=frozenset({"FrontendHint"}),
)

PIPELINE = ResourceKind(
    "pipeline",
    ICE,
    id="PipelineId",
    create="CreatePipeline",
    get="GetPipeline",
    list="ListPipelines",
    update="UpdatePipeline",
    delete="DeletePipeline",
    initial={"Status": "Active", "Priority": 6},
)

STORAGE = ResourceKind(
    "default storage location",
    ICE,
    id="",
    new_id=None,
    put="SetDefaultStorageLocation",
    get="GetDefaultStorageLocation",
    initial={"Status": "Normal"},
)


def list_storage(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return the default storage location if it is set. The emulator supports no other storage locations."""
    found = [
        {
            **storage.fields,
            "StorageLocation": f"{storage.fields.get('Bucket')}.oss-{jobs.region}.aliyuncs.com",
            "DefaultStorage": True,
            "AppId": "app-1000000",
        }
        for storage in Collection(STORAGE, jobs).all()
        if parameters.get("StorageType") in (None, storage.fields.get("StorageType"))
    ]
    return {"StorageInfoList": found}


ANALYSIS_CONFIG = ResourceKind(
    "content analysis configuration",
    ICE,
    id="",
    new_id=None,
    put="SetContentAnalyzeConfig",
    get="GetContentAnalyzeConfig",
)

HOTWORDS = ResourceKind(
    "hotword library",
    ICE,
    id="HotwordLibraryId",
    create="CreateHotwordLibrary",
    get="GetHotwordLibrary",
    list="ListHotwordLibraries",
    update="UpdateHotwordLibrary",
    delete="DeleteHotwordLibrary",
)

#: The actions for which the product SDKs send unsigned requests.
ANONYMOUS = frozenset({"GetPublicMediaInfo", "ListPublicMediaBasicInfos"})

PUBLIC_MEDIA = ResourceKind(
    "public media asset",
    ICE,
    id="MediaId",
    get="GetPublicMediaInfo",
    list="ListPublicMediaBasicInfos SearchPublicMediaInfo",
)


def data_keys(product: Product) -> Family:
    """
    Return the family of the actions for data keys, with which media files are encrypted.

    The emulator derives a data key from its ciphertext, so it does not have to store the key.
    """

    def generate(jobs: Jobs, parameters: dict[str, str]) -> Fields:
        return _key(base64.b64encode(os.urandom(32)).decode())

    def decrypt(jobs: Jobs, parameters: dict[str, str]) -> Fields:
        name = "CiphertextBlob" if product is ICE else "CipherText"
        try:
            base64.b64decode(parameters[name], validate=True)
        except ValueError:
            raise invalid(name, "It must be a ciphertext in base64.") from None
        key = _key(parameters[name])
        return {"DataKey": key["DataKey"], "KeyId": key["KeyId"], "Plaintext": key["Plaintext"]}

    def _key(ciphertext: str) -> Fields:
        plaintext = base64.b64encode(bytes.fromhex(stable_id("data key", ciphertext))).decode()
        key = {"CiphertextBlob": ciphertext, "KeyId": stable_id("master key"), "Plaintext": plaintext}
        return {**key, "DataKey": key}

    functions: dict[str, Respond] = {"GenerateKMSDataKey": generate, "DecryptKMSDataKey": decrypt}
    return Family(product, "data keys", other=functions)


PRODUCTION_FAMILIES = (
    Family(
        ICE,
        "editing projects",
        (PROJECT,),
        {
            "AddEditingProjectMaterials": add_materials,
            "GetEditingProjectMaterials": get_materials,
            "DeleteEditingProjectMaterials": delete_materials,
        },
    ),
    Family(ICE, "templates", (TEMPLATE,)),
    Family(ICE, "media processing templates", (CUSTOM_TEMPLATE,)),
    Family(ICE, "pipelines", (PIPELINE,)),
    Family(ICE, "storage", (STORAGE,), {"GetStorageList": list_storage}),
    Family(ICE, "content analysis", (ANALYSIS_CONFIG,)),
    Family(ICE, "hotword libraries", (HOTWORDS,)),
    Family(ICE, "public media library", (PUBLIC_MEDIA,)),
    data_keys(ICE),
    data_keys(VOD),
)
