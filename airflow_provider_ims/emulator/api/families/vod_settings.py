"""The actions of VOD for templates, editing projects, domains, applications and security settings."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.errors import ApiError, invalid, missing
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind, Respond, hex_id, prefixed
from airflow_provider_ims.emulator.api.families.media import split
from airflow_provider_ims.emulator.api.families.vod_media import APP_ID, IMAGE, VIDEO
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import VOD, Fields
from airflow_provider_ims.emulator.api.parameters import parse_objects
from airflow_provider_ims.emulator.state.resources import Resource

DEFAULT, NOT_DEFAULT = "Default", "NotDefault"


def _set_default(kind: ResourceKind, jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Make a resource the default of its kind or, if the kind has template types, of its template type."""
    resources = Collection(kind, jobs)
    chosen = resources.named("", parameters)
    for resource in resources.all():
        if resource.fields.get("TemplateType") == chosen.fields.get("TemplateType"):
            resources.update(resource, {"IsDefault": DEFAULT if resource.id == chosen.id else NOT_DEFAULT})
    return {kind.id: chosen.id}


TEMPLATE = ResourceKind(
    "template",
    VOD,
    id="VodTemplateId",
    create="AddVodTemplate",
    get="GetVodTemplate",
    list="ListVodTemplate",
    update="UpdateVodTemplate",
    delete="DeleteVodTemplate",
    initial={"AppId": APP_ID, "IsDefault": NOT_DEFAULT},
    unknown="NoSuchResource",
)


GROUP: ResourceKind = ResourceKind(
    "transcode template group",
    VOD,
    id="TranscodeTemplateGroupId",
    get="GetTranscodeTemplateGroup",
    list="ListTranscodeTemplateGroup",
    other={
        "AddTranscodeTemplateGroup": lambda jobs, parameters: add_group(jobs, parameters),
        "UpdateTranscodeTemplateGroup": lambda jobs, parameters: update_group(jobs, parameters),
        "DeleteTranscodeTemplateGroup": lambda jobs, parameters: delete_group(jobs, parameters),
        "SetDefaultTranscodeTemplateGroup": lambda jobs, parameters: _set_default(GROUP, jobs, parameters),
    },
    initial={"AppId": APP_ID, "IsDefault": NOT_DEFAULT, "Locked": "Disabled"},
    unknown="NoSuchResource",
)


def add_group(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Create a template group or, if the request contains the id of a group, add templates to this group."""
    groups = Collection(GROUP, jobs)
    templates = parse_objects(parameters.get("TranscodeTemplateList", "[]"), "TranscodeTemplateList")
    added = [{"TranscodeTemplateId": hex_id(jobs), **template} for template in templates]
    if parameters.get("TranscodeTemplateGroupId"):
        group = groups.named("", parameters)
        groups.update(group, {"TranscodeTemplateList": [*group.fields["TranscodeTemplateList"], *added]})
    elif not parameters.get("Name"):
        raise missing("Name")
    else:
        group = groups.create({**parameters, "TranscodeTemplateList": added})
    return {"TranscodeTemplateGroupId": group.id}


def update_group(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Change the fields of a template group, and of those templates of the group that the request contains."""
    groups = Collection(GROUP, jobs)
    group = groups.named("", parameters)
    templates = {template["TranscodeTemplateId"]: template for template in group.fields["TranscodeTemplateList"]}
    for template in parse_objects(parameters.get("TranscodeTemplateList", "[]"), "TranscodeTemplateList"):
        template_id = template.get("TranscodeTemplateId")
        if template_id not in templates:
            raise ApiError("NoSuchResource")
        templates[template_id] |= template
    groups.update(group, {**parameters, "TranscodeTemplateList": list(templates.values())})
    return {"TranscodeTemplateGroupId": group.id}


def delete_group(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Delete the requested templates of a group or, if ``ForceDelGroup`` is ``Enabled``, the whole group."""
    groups = Collection(GROUP, jobs)
    group = groups.named("", parameters)
    ids = split(parameters, "TranscodeTemplateIds")
    kept = [one for one in group.fields["TranscodeTemplateList"] if one["TranscodeTemplateId"] not in ids]
    known = {one["TranscodeTemplateId"] for one in group.fields["TranscodeTemplateList"]}
    if parameters.get("ForceDelGroup") == "Enabled":
        groups.delete(group)
    else:
        groups.update(group, {"TranscodeTemplateList": kept})
    return {"NonExistTranscodeTemplateIds": [one for one in ids if one not in known]}


WATERMARK: ResourceKind = ResourceKind(
    "watermark",
    VOD,
    id="WatermarkId",
    create="AddWatermark",
    get="GetWatermark",
    list="ListWatermark",
    update="UpdateWatermark",
    delete="DeleteWatermark",
    other={"SetDefaultWatermark": lambda jobs, parameters: _set_default(WATERMARK, jobs, parameters)},
    initial={"AppId": APP_ID, "IsDefault": NOT_DEFAULT},
    unknown="NoSuchResource",
)


def get_default_ai_template(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return the default AI template of a template type."""
    templates = Collection(AI_TEMPLATE, jobs)
    found = templates.first(IsDefault=DEFAULT, TemplateType=parameters["TemplateType"])
    if found is None:
        raise ApiError("NoSuchResource")
    lookup = templates.view(found)
    times = {name: lookup(name) for name in ("CreationTime", "ModifyTime")}
    return {"TemplateInfo": {**found.fields, **times}}


AI_TEMPLATE: ResourceKind = ResourceKind(
    "AI template",
    VOD,
    id="TemplateId",
    create="AddAITemplate",
    get="GetAITemplate",
    list="ListAITemplate",
    update="UpdateAITemplate",
    delete="DeleteAITemplate",
    other={
        "SetDefaultAITemplate": lambda jobs, parameters: _set_default(AI_TEMPLATE, jobs, parameters),
        "GetDefaultAITemplate": get_default_ai_template,
    },
    initial={"IsDefault": NOT_DEFAULT, "Source": "Custom"},
    unknown="NoSuchResource",
)


def _change_materials(action: str) -> Respond:
    def respond(jobs: Jobs, parameters: dict[str, str]) -> Fields:
        projects = Collection(PROJECT, jobs)
        project = projects.named("", parameters)
        known, sent = project.fields.get("Materials", []), split(parameters, "MaterialIds")
        added = [*known, *(one for one in sent if one not in known)]
        changed = {"Add": added, "Set": sent, "Delete": [one for one in known if one not in sent]}[action]
        projects.update(project, {"Materials": changed})
        return {"MaterialList": _show_materials(jobs, changed)} if action == "Add" else {}

    return respond


def _show_materials(jobs: Jobs, ids: list[str]) -> list[Fields]:
    names = ("Title", "Tags", "Status", "CoverURL", "Description", "CateId", "CateName", "Duration", "Size")
    times = ("CreateTime", "CreationTime", "ModifyTime", "ModifiedTime")
    shown = []
    for kind, material_type in ((VIDEO, "video"), (IMAGE, "image")):
        resources = Collection(kind, jobs)
        for found in filter(None, map(resources.get, ids)):
            lookup = resources.view(found)
            fields = {name: lookup(name) for name in (*names, *times) if lookup(name) is not None}
            shown.append({"MaterialId": found.id, "MaterialType": material_type, **fields})
    return shown


def get_materials(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Return the materials of an editing project."""
    project = Collection(PROJECT, jobs).named("", parameters)
    return {"MaterialList": {"Material": _show_materials(jobs, project.fields.get("Materials", []))}}


def _production(jobs: Jobs, project_id: str) -> Fields | None:
    """Return the fields of an editing project from its ProduceEditingProjectVideo job; None if there is no such job."""
    job = jobs.find(project_id, "ProduceEditingProjectVideo")
    if job is None:
        return None
    view = jobs.view(job)
    return {"Status": view.state, **view.kind.render(view)}


def _produced(jobs: Jobs, project: Resource) -> Fields:
    """Return the fields of an editing project that its ProduceEditingProjectVideo job has changed, and the region."""
    found = _production(jobs, project.id) or {}
    job = jobs.find(project.id, "ProduceEditingProjectVideo")
    changed = {"Status", *(job.parameters if job else ())}
    return {"RegionId": jobs.region, **{name: value for name, value in found.items() if name in changed}}


PROJECT = ResourceKind(
    "editing project",
    VOD,
    id="ProjectId",
    create="AddEditingProject",
    get="GetEditingProject",
    list="SearchEditingProject",
    update="UpdateEditingProject",
    delete="DeleteEditingProject",
    ids={"DeleteEditingProject": "ProjectIds"},
    other={
        "AddEditingProjectMaterials": _change_materials("Add"),
        "SetEditingProjectMaterials": _change_materials("Set"),
        "DeleteEditingProjectMaterials": _change_materials("Delete"),
        "GetEditingProjectMaterials": get_materials,
    },
    initial={"Status": "Normal"},
    derived=_produced,
    elsewhere=_production,
    unknown="NoSuchResource",
)


def _cname(jobs: Jobs, domain: Resource) -> Fields:
    sources = domain.fields.get("Sources")
    shown = [{"Enabled": "online", **one} for one in parse_objects(sources, "Sources")] if sources else None
    return {"Cname": f"{domain.id}.w.kunlunsl.com", "Sources": shown}


def _set_status(status: str) -> Respond:
    def respond(jobs: Jobs, parameters: dict[str, str]) -> Fields:
        domains = Collection(DOMAIN, jobs)
        for name in split(parameters, "DomainNames"):
            domains.update(domains.named("", {"DomainName": name}), {"DomainStatus": status})
        return {}

    return respond


DOMAIN = ResourceKind(
    "domain",
    VOD,
    id="DomainName",
    new_id=None,
    create="AddVodDomain",
    get="DescribeVodDomainDetail",
    list="DescribeVodUserDomains",
    update="UpdateVodDomain",
    delete="DeleteVodDomain",
    other={"BatchStartVodDomain": _set_status("online"), "BatchStopVodDomain": _set_status("offline")},
    initial={"DomainStatus": "online"},
    derived=_cname,
    unknown="NoSuchResource",
)
CACHE_TASK = ResourceKind(
    "cache task",
    VOD,
    id="TaskId",
    create="RefreshVodObjectCaches PreloadVodObjectCaches",
    list="DescribeVodRefreshTasks",
    names={"RefreshTaskId": "TaskId", "PreloadTaskId": "TaskId"},
    initial={"ObjectType": "File", "Status": "Complete", "Process": "100%"},
)

APP = ResourceKind(
    "application",
    VOD,
    id="AppId",
    new_id=prefixed("app-"),
    create="CreateAppInfo",
    find="GetAppInfos",
    list="ListAppInfo",
    update="UpdateAppInfo",
    delete="DeleteAppInfo",
    ids={"GetAppInfos": "AppIds"},
    initial={"Status": "Normal", "Type": "Custom"},
    unknown="NoSuchResource",
)
APP_STORAGE = ResourceKind(
    "storage of an application",
    VOD,
    id="AppId StorageLocation",
    new_id=lambda jobs: f"outin-{hex_id(jobs)}.oss-{jobs.region}.aliyuncs.com",
    create="AddVodStorageForApp",
)
PLAY_KEY = ResourceKind(
    "playback key",
    VOD,
    id="AppId",
    new_id=None,
    put="SetAppPlayKey",
    get="GetAppPlayKey",
    initial={"AppId": APP_ID},
    unknown="NoSuchResource",
)
REVIEW_ADDRESSES = ResourceKind(
    "addresses of reviewers",
    VOD,
    id="SecurityGroupName",
    new_id=None,
    list="ListAuditSecurityIp",
    initial={"SecurityGroupName": "Default"},
)


def set_review_addresses(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """Append, replace or delete the IP addresses of a reviewer group. If the group does not exist, create it first."""
    groups = Collection(REVIEW_ADDRESSES, jobs)
    name = parameters.get("SecurityGroupName", "Default")
    group = groups.get(name) or groups.create({"SecurityGroupName": name, "Ips": ""})
    known, sent = split(group.fields, "Ips"), split(parameters, "Ips")
    mode = parameters.get("OperateMode", "Append")
    if mode not in ("Append", "Cover", "Delete"):
        raise invalid("OperateMode", "Valid values: Append, Cover, Delete.")
    merged = {"Append": [*known, *sent], "Cover": sent, "Delete": [one for one in known if one not in sent]}[mode]
    groups.update(group, {"Ips": ",".join(dict.fromkeys(merged))})
    return {}


CROSS_DOMAIN = ResourceKind("cross-domain policy", VOD, id="StorageLocation", new_id=None, put="SetCrossdomainContent")
RECORDED_VIDEO = ResourceKind("video of a live stream", VOD, id="VideoId", list="ListLiveRecordVideo")

VOD_SETTING_FAMILIES = (
    Family(VOD, "templates", (TEMPLATE,)),
    Family(VOD, "transcode template groups", (GROUP,)),
    Family(VOD, "watermarks", (WATERMARK,)),
    Family(VOD, "AI templates", (AI_TEMPLATE,)),
    Family(VOD, "editing projects", (PROJECT,)),
    Family(VOD, "domains", (DOMAIN,)),
    Family(VOD, "caches", (CACHE_TASK,)),
    Family(VOD, "applications", (APP, APP_STORAGE)),
    Family(
        VOD,
        "security",
        (PLAY_KEY, REVIEW_ADDRESSES, CROSS_DOMAIN),
        {"SetAuditSecurityIp": set_review_addresses},
    ),
    Family(VOD, "live to VOD", (RECORDED_VIDEO,)),
)
