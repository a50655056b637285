"""The statistics of both products that the emulator can derive from its jobs and media assets."""

from __future__ import annotations

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.families.collection import Collection
from airflow_provider_ims.emulator.api.families.kinds import Family, ResourceKind
from airflow_provider_ims.emulator.api.families.vod_media import VIDEO
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.model import ICE, VIDEO_SECONDS, VOD, Fields
from airflow_provider_ims.emulator.api.parameters import Parameters
from airflow_provider_ims.emulator.state.clock import from_iso, iso
from airflow_provider_ims.emulator.state.store import Phase

DAY = 24 * 3600
MAX_DAYS = 366

#: Field of the response -> the submit actions of the jobs that count as usage.
_USAGE = {
    "EditingDuration": ("SubmitMediaProducingJob", "SubmitBatchMediaProducingJob"),
    "LiveEditDuration": ("SubmitLiveEditingJob",),
    "MpsTranscodeDuration": ("SubmitTranscodeJob", "SubmitMediaConvertJob"),
    "MpsAiDuration": ("SubmitSmarttagJob", "SubmitMediaCensorJob", "SubmitDNAJob", "SubmitIProductionJob"),
}


def meter_summary(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """
    Return how many seconds of video the jobs that succeeded in a period have produced or analysed.

    The emulator assumes the same duration for each output of a job.
    """
    since, until = int(parameters["StartTs"]), int(parameters["EndTs"])
    usage = {
        field: sum(_seconds(jobs, action, since, until) for action in actions) for field, actions in _USAGE.items()
    }
    return {"Data": [usage]}


def _seconds(jobs: Jobs, action: str, since: float, until: float) -> int:
    views = [jobs.view(job) for job in jobs.store.jobs(action) if since <= job.ends <= until]
    ended = [view for view in views if view.phase is Phase.SUCCEEDED and view.region == jobs.region]
    return sum(int(VIDEO_SECONDS) * max(1, view.kind.part_count(view.parameters)) for view in ended)


def storage(jobs: Jobs, parameters: dict[str, str]) -> Fields:
    """
    Return the total size of the videos, in bytes, at the end of each day of a period.

    Videos that have been deleted are not counted, even for days on which they existed.
    """
    since, until = _time(parameters, "StartTime"), _time(parameters, "EndTime")
    days = int((until - since) // DAY) + 1
    if not 0 < days <= MAX_DAYS:
        raise invalid("EndTime", f"The period must be 1 to {MAX_DAYS} days long.")
    videos = Collection(VIDEO, jobs)
    sizes = [(video.created, int(videos.view(video)("Size"))) for video in videos.all()]
    ends = [since + DAY * number for number in range(1, days + 1)]
    items = [
        {
            "TimeStamp": iso(end - DAY),
            "StorageUtilization": sum(size for created, size in sizes if created < end),
            "NetworkOut": 0,
        }
        for end in ends
    ]
    return {"DataInterval": "day", "StorageData": {"StorageDataItem": items}}


def _time(parameters: Parameters, name: str) -> float:
    try:
        return from_iso(parameters[name])
    except ValueError:
        raise invalid(name, "The format is yyyy-MM-ddTHH:mm:ssZ, in UTC.") from None


#: The videos of the emulator are never played, so this listing is always empty.
PLAYED_VIDEO = ResourceKind("played video", VOD, id="VideoId", list="DescribePlayTopVideos")

STATISTICS_FAMILIES = (
    Family(ICE, "usage statistics", other={"DescribeMeterImsSummary": meter_summary}),
    Family(VOD, "resource usage statistics", other={"DescribeVodStorageData": storage}),
    Family(VOD, "playback statistics", (PLAYED_VIDEO,)),
)
