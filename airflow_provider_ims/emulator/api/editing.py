"""Cloud editing jobs: they produce videos from timelines and from live streams, and export projects."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.fields import (
    combined,
    fields,
    generated_id,
    modified,
    objects,
    parameter,
    parameter_or_id,
    parsed,
    percent,
    sent,
)
from airflow_provider_ims.emulator.api.messages import dump
from airflow_provider_ims.emulator.api.model import VIDEO_SECONDS, Fields, JobFamily, JobKind, JobView, Listing
from airflow_provider_ims.emulator.api.parameters import declare

STATES = ("Init", "Processing", "Success", "Failed")

CLIP_SECONDS = 5.0
#: The default properties of a clip in an exported timeline.
CLIP = {
    "Type": "Video",
    "In": 0.0,
    "Out": CLIP_SECONDS,
    "Duration": CLIP_SECONDS,
    "VirginDuration": VIDEO_SECONDS,
    "Speed": 1.0,
    "X": 0.0,
    "Y": 0.0,
    "Width": 1.0,
    "Height": 1.0,
}

MEDIA_PRODUCING = JobFamily(
    "GetMediaProducingJob",
    STATES,
    "MediaProducingJob",
    times=("CreateTime", "CompleteTime"),
    listing=Listing(
        "ListMediaProducingJobs",
        "MediaProducingJobList",
        STATES,
        ("Timeline", "Progress", "VodMediaId"),
        order="SortBy",
        orders=("CreationTime:Desc", "CreationTime:Asc"),
        page_size="MaxResults",
        token="NextToken",
        times=("StartTime", "EndTime"),
        token_at="NextToken",
        max_results=str,
    ),
    id_optional=True,
)
PROJECT_EXPORT = JobFamily("GetProjectExportJob", STATES, "ProjectExportJob", times=("", ""))
LIVE_EDITING = JobFamily(
    "GetLiveEditingJob", STATES, "LiveEditingJob", times=("CreationTime", "CompleteTime"), id_optional=True
)


def _vod_media_id(view: JobView) -> str | None:
    return view.id("vod-media") if view.parameters.get("OutputMediaTarget") == "vod-media" else None


_PROJECT = fields(
    ProjectId=parameter_or_id("ProjectId", "project"), MediaId=generated_id("media"), VodMediaId=_vod_media_id
)


def _media_url(view: JobView) -> str:
    return view.output_url(view.json("OutputMediaConfig"), f"{view.job_id}.mp4")


def _exported_project(view: JobView) -> Fields:
    if view.parameters.get("ExportType") == "AdobePremierePro":
        output = view.json("OutputMediaConfig")
        key = "/".join(filter(None, (str(output.get("Prefix") or ""), f"exported_project_{view.job_id}.zip")))
        return {"ExportResult": {"ProjectUrl": view.url(key, output.get("Bucket") or "emulated")}}
    return {"ExportResult": {"Timeline": dump(_complete_timeline(view))}}


def _complete_timeline(view: JobView) -> Fields:
    """
    Return the requested timeline, with default values for missing properties of its clips, such as times and sizes.

    A timeline without video tracks gets one track with one clip.
    """
    timeline = view.json("Timeline")
    tracks = objects(timeline.get("VideoTracks")) or [{"VideoTrackClips": [{"MediaId": view.id("media")}]}]
    complete = []
    for track in tracks:
        clips, start = [], 0.0
        for clip in objects(track.get("VideoTrackClips")):
            defaults = {
                **CLIP,
                "TimelineIn": start,
                "TimelineOut": start + CLIP_SECONDS,
                "MediaURL": view.url(f"{clip.get('MediaId') or 'clip'}.mp4"),
            }
            clips.append({**defaults, **clip})
            start += CLIP_SECONDS
        complete.append({**track, "VideoTrackClips": clips})
    return {**timeline, "VideoTracks": complete}


EDITING_KINDS = (
    JobKind(
        "SubmitMediaProducingJob",
        MEDIA_PRODUCING,
        declare(
            "OutputMediaConfig*{} OutputMediaTarget Timeline{} TemplateId ClipsParam{} ProjectId ProjectMetadata{}"
            " EditingProduceConfig{} MediaMetadata{} Source UserData{}<512 ClientToken<64"
        ),
        accepted=_PROJECT,
        render=combined(
            _PROJECT, sent("Timeline", "TemplateId", "ClipsParam"), fields(ModifiedTime=modified, Progress=percent)
        ),
        result=fields(MediaURL=_media_url, Duration=VIDEO_SECONDS),
        seconds=6.0,
    ),
    JobKind(
        "SubmitProjectExportJob",
        PROJECT_EXPORT,
        declare("OutputMediaConfig*{} ExportType ProjectId Timeline{} UserData{}"),
        render=fields(
            ExportType=lambda view: view.parameters.get("ExportType", "BaseTimeline"),
            ProjectId=parameter_or_id("ProjectId", "project"),
        ),
        result=_exported_project,
    ),
    JobKind(
        "SubmitLiveEditingJob",
        LIVE_EDITING,
        declare(
            "Clips*[] LiveStreamConfig{} MediaProduceConfig{} OutputMediaConfig{} OutputMediaTarget ProjectId"
            " UserData{}<512"
        ),
        accepted=combined(_PROJECT, fields(MediaURL=_media_url)),
        render=fields(
            ModifiedTime=modified,
            MediaId=generated_id("media"),
            ProjectId=parameter_or_id("ProjectId", "project"),
            Clips=parameter("Clips"),
            LiveStreamConfig=parsed("LiveStreamConfig"),
            MediaProduceConfig=parsed("MediaProduceConfig"),
            OutputMediaConfig=parsed("OutputMediaConfig"),
        ),
        result=fields(MediaURL=_media_url),
    ),
)
