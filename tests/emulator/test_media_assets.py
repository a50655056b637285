"""Media assets of both products, with the product SDKs."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_tea_openapi.exceptions import ClientException
from alibabacloud_vod20170321 import models as vod_models
from support.emulated import SignedClient

from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.emulator.api.families.media_files import UPLOAD_SECONDS

if TYPE_CHECKING:
    from alibabacloud_ice20201109.client import Client as IceClient
    from alibabacloud_vod20170321.client import Client as VodClient

URL = "http://example-bucket.oss-cn-shanghai.aliyuncs.com/cake.mp4"


def register(ice: IceClient, url: str = URL, **more: Any) -> str:
    return ice.register_media_info(ice_models.RegisterMediaInfoRequest(input_url=url, **more)).body.media_id


def info(ice: IceClient, media_id: str | None = None, url: str | None = None) -> Any:
    request = ice_models.GetMediaInfoRequest(media_id=media_id, input_url=url)
    return ice.get_media_info(request).body.media_info


def play_info(ice: IceClient, media_id: str) -> Any:
    return ice.get_play_info(ice_models.GetPlayInfoRequest(media_id=media_id)).body


def upload(vod: VodClient, **more: Any) -> str:
    request = vod_models.CreateUploadVideoRequest(title="A cake", file_name="cake.mp4", **more)
    return vod.create_upload_video(request).body.video_id


def assert_signed(address: str, url: str) -> None:
    """Check that an address is a signed URL of the object with a URL, on the emulator."""
    parts = urlsplit(address)
    assert parts.path == f"/{url.partition('://')[2]}"
    assert set(parse_qs(parts.query)) == {"Expires", "OSSAccessKeyId", "Signature"}


def test_the_information_about_a_registered_file_is_returned(ice: IceClient) -> None:
    media_id = register(ice, title="Cake", description="A cake shop", media_tags="cake,shop", user_data='{"a": 1}')
    found = info(ice, media_id)
    basic = found.media_basic_info
    assert (basic.title, basic.description, basic.media_tags) == ("Cake", "A cake shop", "cake,shop")
    assert (basic.media_type, basic.source, basic.status, basic.user_data) == ("video", "oss", "Normal", '{"a": 1}')
    (file,) = found.file_info_list
    assert file.file_basic_info.file_name == "cake.mp4"
    assert_signed(file.file_basic_info.file_url, URL)
    assert file.video_stream_info_list[0].width == file.file_basic_info.width


@pytest.mark.parametrize(
    ("name", "media_type", "has_duration"),
    [("a.mp3", "audio", True), ("a.JPG", "image", False), ("a.srt", "text", False)],
)
def test_the_type_of_a_file_is_derived_from_its_name(
    ice: IceClient, name: str, media_type: str, has_duration: bool
) -> None:
    found = info(ice, register(ice, f"oss://bucket/{name}"))
    assert found.media_basic_info.media_type == media_type
    assert bool(found.file_info_list[0].file_basic_info.duration) == has_duration


def test_a_url_has_one_media_asset_in_both_of_its_forms(ice: IceClient) -> None:
    media_id = register(ice)
    assert register(ice, "oss://example-bucket/cake.mp4", title="other") == media_id
    assert info(ice, url="oss://example-bucket/cake.mp4").media_id == media_id
    assert info(ice, media_id).media_basic_info.title == "cake.mp4"


def test_a_file_can_be_registered_again_with_overwrite(ice: IceClient) -> None:
    first = register(ice)
    second = register(ice, overwrite=True, title="new")
    assert second != first
    assert info(ice, url=URL).media_basic_info.title == "new"
    with pytest.raises(ClientException, match="ResourceNotFound"):
        info(ice, first)


def test_the_tags_of_an_update_replace_the_earlier_tags_or_are_appended(ice: IceClient) -> None:
    media_id = register(ice, media_tags="a,b")
    update = ice_models.UpdateMediaInfoRequest(media_id=media_id, media_tags="b,c", append_tags=True, title="T")
    assert ice.update_media_info(update).body.media_id == media_id
    basic = info(ice, media_id).media_basic_info
    assert (basic.media_tags, basic.title) == ("a,b,c", "T")
    ice.update_media_info(ice_models.UpdateMediaInfoRequest(input_url=URL, media_tags="d"))
    assert info(ice, media_id).media_basic_info.media_tags == "d"


def test_the_pages_of_a_listing_contain_all_media_assets(ice: IceClient) -> None:
    registered = [register(ice, f"oss://bucket/{number}.mp4") for number in range(5)]
    register(ice, "oss://bucket/voice.mp3")
    found, token = [], None
    while token != "":
        request = ice_models.ListMediaBasicInfosRequest(
            media_type="video", max_results=2, next_token=token, sort_by="asc", include_file_basic_info=not found
        )
        body = ice.list_media_basic_infos(request).body
        assert body.total_count == 5
        assert all(bool(media.file_info_list) == (not found) for media in body.media_infos)
        found += [media.media_id for media in body.media_infos]
        token = body.next_token
    assert found == registered


def test_a_search_finds_media_assets_by_an_expression(ice: IceClient) -> None:
    cake = register(ice, title="A cake shop", media_tags="cake,sweet")
    register(ice, "oss://bucket/tea.mp4", title="A tea room", media_tags="tea")

    def found(match: str) -> list[str]:
        body = ice.search_media(ice_models.SearchMediaRequest(match=match)).body
        return [media.media_id for media in body.media_info_list]

    assert found("title = 'cake' and mediaType in ('video','audio')") == [cake]
    assert found('tags in ("sweet")') == [cake]
    assert found("tags != 'tea'") == [cake]
    assert len(found("")) == 2
    assert found("title = 'cake' and title = 'tea'") == []
    with pytest.raises(ClientException, match="joined by 'and'"):
        found("title = 'cake' or title = 'tea'")


def test_deleted_media_assets_are_unknown(ice: IceClient) -> None:
    media_id = register(ice)
    body = ice.delete_media_infos(ice_models.DeleteMediaInfosRequest(media_ids=f"{media_id},unknown")).body
    assert body.ignored_list == ["unknown"]
    batch = ice.batch_get_media_infos(ice_models.BatchGetMediaInfosRequest(media_ids=media_id)).body
    assert (batch.media_infos, batch.ignored_list) == ([], [media_id])


def test_a_request_without_a_media_asset_is_rejected(ice: IceClient) -> None:
    with pytest.raises(ClientException, match="MissingParameter"):
        info(ice)


def test_an_uploaded_file_becomes_a_media_asset(ice: IceClient, emulator: ImsEmulator) -> None:
    request = ice_models.CreateUploadMediaRequest(
        file_info=json.dumps({"Type": "video", "Name": "cake", "Ext": "mov"}),
        media_meta_data=json.dumps({"Title": "Cake", "Tags": "a,b"}),
    )
    body = ice.create_upload_media(request).body
    address = json.loads(base64.b64decode(body.upload_address))
    assert body.file_url == f"http://{address['Bucket']}.oss-cn-shanghai.aliyuncs.com/{address['FileName']}"
    assert {"AccessKeyId", "AccessKeySecret", "SecurityToken"} <= set(json.loads(base64.b64decode(body.upload_auth)))
    assert info(ice, body.media_id).media_basic_info.status == "Init"
    assert play_info(ice, body.media_id).play_info_list == []
    emulator.advance(UPLOAD_SECONDS)
    basic = info(ice, body.media_id).media_basic_info
    assert (basic.status, basic.title, basic.media_tags) == ("Normal", "Cake", "a,b")
    refreshed = ice.refresh_upload_media(ice_models.RefreshUploadMediaRequest(media_id=body.media_id)).body
    assert refreshed.upload_address == body.upload_address


def test_deeply_nested_json_in_a_job_does_not_make_queries_for_media_assets_fail(
    ice: IceClient, emulator: ImsEmulator, start: Callable[..., str]
) -> None:
    emulator.finish(start("SubmitMediaProducingJob", TemplateId="[" * 5_000))
    with pytest.raises(ClientException, match="ResourceNotFound"):
        info(ice, "unknown")


def test_the_output_of_a_job_is_a_media_asset(
    ice: IceClient, emulator: ImsEmulator, start: Callable[..., str], call: Callable[..., Any]
) -> None:
    job_id = start("SubmitMediaProducingJob")
    media_id = call("GetMediaProducingJob", {"JobId": job_id})["MediaProducingJob"]["MediaId"]
    with pytest.raises(ClientException, match="ResourceNotFound"):
        info(ice, media_id)
    emulator.finish(job_id)
    url = call("GetMediaProducingJob", {"JobId": job_id})["MediaProducingJob"]["MediaURL"]
    assert info(ice, media_id).media_basic_info.input_url == url
    (stream,) = play_info(ice, media_id).play_info_list
    assert stream.file_url == url
    assert_signed(stream.play_url, url)
    ice.delete_media_infos(ice_models.DeleteMediaInfosRequest(media_ids=media_id))
    with pytest.raises(ClientException, match="ResourceNotFound"):
        info(ice, media_id)


def test_a_registered_stream_can_be_played(ice: IceClient) -> None:
    media_id = register(ice)
    stream = ice_models.RegisterMediaStreamRequest(
        media_id=media_id, input_url="oss://example-bucket/small.m3u8", stream_tags='{"a":"b"}'
    )
    ice.register_media_stream(stream)
    source, added = play_info(ice, media_id).play_info_list
    assert (source.definition, source.format, added.format) == ("OD", "mp4", "m3u8")
    assert added.stream_tags == '{"a":"b"}'


def test_marks_are_changed_by_their_ids(call: Callable[..., Any]) -> None:
    media_id = call("RegisterMediaInfo", {"InputURL": URL})["MediaId"]
    marks = json.dumps([{"MarkTitle": "one"}, {"MarkTitle": "two"}])
    first, second = call("AddMediaMarks", {"MediaId": media_id, "MediaMarks": marks})["MediaMarkIds"].split(",")
    changed = json.dumps([{"MediaMarkId": second, "MarkTitle": "changed"}])
    call("UpdateMediaMarks", {"MediaId": media_id, "MediaMarks": changed})
    call("DeleteMediaMarks", {"MediaId": media_id, "MediaMarkIds": first})
    found = json.loads(call("ListMediaMarks", {"MediaId": media_id})["MediaMarks"])
    assert found == [{"MediaMarkId": second, "MarkTitle": "changed"}]


def test_categories_form_a_tree(ice: IceClient) -> None:
    def add(name: str, parent: int | None = None) -> int:
        request = ice_models.AddCategoryRequest(cate_name=name, parent_id=parent)
        return int(ice.add_category(request).body.category.cate_id)

    top = add("top")
    below = add("below", top)
    lowest = add("lowest", below)
    with pytest.raises(ClientException, match="InvalidParameter"):
        add("too low", lowest)
    media_id = register(ice, cate_id=below)
    assert info(ice, media_id).media_basic_info.cate_name == "below"
    body = ice.get_categories(ice_models.GetCategoriesRequest(cate_id=top)).body
    assert [one.cate_name for one in body.sub_categories.category] == ["below"]
    assert (body.category.level, body.sub_total) == (0, 1)
    ice.delete_category(ice_models.DeleteCategoryRequest(cate_id=top))
    assert ice.get_categories(ice_models.GetCategoriesRequest()).body.sub_total == 0


def test_materials_of_a_project_are_its_media_assets(ice: IceClient) -> None:
    media_id = register(ice)
    project = ice_models.CreateEditingProjectRequest(title="P", timeline="{}", template_type="Timeline")
    created = ice.create_editing_project(project).body.project
    assert (created.status, created.status_name) == (1, "Draft")
    materials = json.dumps({"video": f"{media_id},unknown", "editingProject": "p1"})
    request = ice_models.AddEditingProjectMaterialsRequest(project_id=created.project_id, material_maps=materials)
    body = ice.add_editing_project_materials(request).body
    assert [media.media_id for media in body.media_infos] == [media_id]
    assert body.project_materials == ["p1"]
    delete = ice_models.DeleteEditingProjectMaterialsRequest(
        project_id=created.project_id, material_type="video", material_ids=media_id
    )
    ice.delete_editing_project_materials(delete)
    found = ice.get_editing_project_materials(
        ice_models.GetEditingProjectMaterialsRequest(project_id=created.project_id)
    ).body
    assert found.media_infos == []
    with pytest.raises(ClientException, match="ProjectNotFound"):
        ice.get_editing_project(ice_models.GetEditingProjectRequest(project_id="unknown"))


def test_only_one_template_of_each_type_is_the_default(ice: IceClient) -> None:
    def create(name: str, type_id: int) -> str:
        request = ice_models.CreateCustomTemplateRequest(name=name, type=type_id, template_config="{}")
        return str(ice.create_custom_template(request).body.custom_template.template_id)

    first, second, other = create("a", 1), create("b", 1), create("c", 2)
    for template_id in (first, other, second):
        ice.set_default_custom_template(ice_models.SetDefaultCustomTemplateRequest(template_id=template_id))
    templates = ice.list_custom_templates(ice_models.ListCustomTemplatesRequest(type="1")).body
    assert {one.template_id: one.is_default for one in templates.custom_template_list} == {first: False, second: True}
    found = ice.get_custom_template(ice_models.GetCustomTemplateRequest(template_id=other)).body.custom_template
    assert (found.is_default, found.type_name, found.template_name) == (True, "SnapshotTemplate", "c")


def test_a_repeated_request_with_a_client_token_creates_nothing(call: Callable[..., Any]) -> None:
    parameters = {"GroupName": "one", "ClientToken": "t-1"}
    first, second = (call("CreateLivePackageChannelGroup", parameters) for _ in range(2))
    assert {**second, "RequestId": first["RequestId"]} == first
    assert call("ListLivePackageChannelGroups")["TotalCount"] == 1


def test_a_video_of_vod_is_uploaded_found_and_played(vod: VodClient, emulator: ImsEmulator) -> None:
    video_id = upload(vod, tags="cake,shop", reference_id="ref-000001", user_data='{"Extend":{}}')
    video = vod.get_video_info(vod_models.GetVideoInfoRequest(video_id=video_id)).body.video
    assert (video.status, video.title, video.tags) == ("Uploading", "A cake", "cake,shop")
    emulator.advance(UPLOAD_SECONDS)
    played = vod.get_play_info(vod_models.GetPlayInfoRequest(video_id=video_id)).body
    assert (played.video_base.status, played.video_base.title) == ("Normal", "A cake")
    (stream,) = played.play_info_list.play_info
    mezzanine = vod.get_mezzanine_info(vod_models.GetMezzanineInfoRequest(reference_id="ref-000001")).body.mezzanine
    assert urlsplit(stream.play_url).path == urlsplit(mezzanine.file_url).path
    auth = vod.get_video_play_auth(vod_models.GetVideoPlayAuthRequest(video_id=video_id)).body
    assert json.loads(base64.b64decode(auth.play_auth))["VideoMeta"]["VideoId"] == video_id
    found = vod.search_media(vod_models.SearchMediaRequest(match="Title in ('A cake') and Status = 'Normal'")).body
    assert [media.video.video_id for media in found.media_list] == [video_id]


def test_videos_of_vod_are_changed_reviewed_and_deleted(vod: VodClient) -> None:
    first, second = upload(vod), upload(vod)
    content = json.dumps([{"VideoId": first, "Title": "New"}, {"VideoId": "unknown", "Title": "x"}])
    changed = vod.update_video_infos(vod_models.UpdateVideoInfosRequest(update_content=content)).body
    assert changed.non_exist_video_ids == ["unknown"]
    audit = json.dumps([{"VideoId": first, "Status": "Blocked", "Reason": "porn video"}])
    vod.create_audit(vod_models.CreateAuditRequest(audit_content=audit))
    history = vod.get_audit_history(vod_models.GetAuditHistoryRequest(video_id=first)).body
    assert (history.total, history.histories[0].reason, history.status) == (1, "porn video", "Blocked")
    request = vod_models.GetVideoInfosRequest(video_ids=f"{first},{second},unknown")
    infos = vod.get_video_infos(request).body
    assert {video.video_id: video.title for video in infos.video_list} == {first: "New", second: "A cake"}
    assert infos.non_exist_video_ids == ["unknown"]
    vod.delete_video(vod_models.DeleteVideoRequest(video_ids=f"{first},{second}"))
    with pytest.raises(ClientException, match=r"InvalidVideo\.NotFound"):
        vod.get_video_info(vod_models.GetVideoInfoRequest(video_id=first))


def test_a_file_is_registered_in_vod_once(vod: VodClient) -> None:
    files = json.dumps([{"FileURL": URL, "Title": "Cake"}])
    request = vod_models.RegisterMediaRequest(register_metadatas=files, template_group_id="VOD_NO_TRANSCODE")
    (first,) = vod.register_media(request).body.registered_media_list
    (again,) = vod.register_media(request).body.registered_media_list
    assert (first.new_register, again.new_register, again.media_id) == (True, False, first.media_id)


def test_templates_are_added_to_a_transcode_template_group(vod: VodClient) -> None:
    templates = json.dumps([{"TemplateName": "SD", "Definition": "SD", "Video": {"Codec": "H.264"}}])
    request = vod_models.AddTranscodeTemplateGroupRequest(name="group", transcode_template_list=templates)
    group_id = vod.add_transcode_template_group(request).body.transcode_template_group_id
    added = vod_models.AddTranscodeTemplateGroupRequest(
        transcode_template_group_id=group_id, transcode_template_list=json.dumps([{"TemplateName": "HD"}])
    )
    vod.add_transcode_template_group(added)
    get = vod_models.GetTranscodeTemplateGroupRequest(transcode_template_group_id=group_id)
    group = vod.get_transcode_template_group(get).body.transcode_template_group
    assert [one.template_name for one in group.transcode_template_list] == ["SD", "HD"]
    assert group.is_default == "NotDefault"
    vod.set_default_transcode_template_group(
        vod_models.SetDefaultTranscodeTemplateGroupRequest(transcode_template_group_id=group_id)
    )
    (listed,) = vod.list_transcode_template_group(
        vod_models.ListTranscodeTemplateGroupRequest()
    ).body.transcode_template_group_list
    assert listed.is_default == "Default"


def test_resources_survive_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "emulator.db"
    with ImsEmulator(state=state) as emulator:
        status, body = SignedClient.of(emulator)("RegisterMediaInfo", {"InputURL": URL, "Title": "Cake"})
        assert status == 200
    with ImsEmulator(state=state) as emulator:
        found = SignedClient.of(emulator)("GetMediaInfo", {"MediaId": body["MediaId"]})[1]
        assert found["MediaInfo"]["MediaBasicInfo"]["Title"] == "Cake"
        emulator.reset()
        assert SignedClient.of(emulator)("GetMediaInfo", {"MediaId": body["MediaId"]})[0] == 404


def test_a_search_library_shows_its_indexes(call: Callable[..., Any]) -> None:
    for name in ("one", "two"):
        call("CreateSearchLib", {"SearchLibName": name})
    call("CreateSearchIndex", {"SearchLibName": "one", "IndexType": "face"})
    found = {library["SearchLibName"]: library["IndexInfo"] for library in call("ListSearchLib")["SearchLibInfoList"]}
    assert found == {
        "one": [{"IndexReadiness": "Normal", "IndexStatus": "Active", "IndexType": "face"}],
        "two": [],
    }


def test_a_channel_has_playback_urls_and_can_be_started(call: Callable[..., Any]) -> None:
    outputs = json.dumps([{"ManifestName": "main", "Format": "hls"}])
    channel = {"ChannelName": "one", "ChannelTier": "basic", "PlaybackMode": "loop", "OutPutConfigList": outputs}
    created = call("CreateChannel", channel)["Channel"]
    assert created["Arn"].endswith(":channel/one")
    assert created["OutPutConfigList"][0]["PlaybackUrl"].endswith("/one/main.m3u8")
    call("StartChannel", {"ChannelName": "one"})
    assert call("GetChannel", {"ChannelName": "one"})["Channel"]["State"] == 1
    call("DeleteChannel", {"ChannelName": "one"})
    assert call("ListChannels")["ChannelList"] == []


def test_a_live_snapshot_job_has_the_fields_of_its_template(call: Callable[..., Any]) -> None:
    template = call("CreateLiveSnapshotTemplate", {"TemplateName": "each 5 s", "TimeInterval": "5"})["TemplateId"]
    job = {
        "JobName": "one",
        "TemplateId": template,
        "StreamInput": '{"Type":"rtmp","Url":"rtmp://host/app/stream"}',
        "SnapshotOutput": '{"Bucket":"b","Endpoint":"e","StorageType":"oss"}',
    }
    job_id = call("SubmitLiveSnapshotJob", job)["JobId"]
    call("SendLiveSnapshotJobCommand", {"JobId": job_id, "Command": "stop"})
    found = call("GetLiveSnapshotJob", {"JobId": job_id})
    assert (found["TemplateName"], found["TimeInterval"], found["Status"]) == ("each 5 s", 5, "paused")


def test_the_public_media_library_is_empty(ice: IceClient) -> None:
    body = ice.list_public_media_basic_infos(ice_models.ListPublicMediaBasicInfosRequest()).body
    assert (body.media_infos, body.total_count) == ([], 0)
    with pytest.raises(ClientException, match="ResourceNotFound"):
        ice.get_public_media_info(ice_models.GetPublicMediaInfoRequest(media_id="icepublic-1"))
