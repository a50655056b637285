"""The jobs that a run submits: one job of each of four kinds, as cheap as possible. All facts share these jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.service import Response

#: The field of UserData that contains the marker.
MARKER = "ImsConformance"
IMAGE_REGIONS = ("cn-beijing", "cn-shanghai")
ONLY_IN_IMAGE_REGIONS = f"AI images are available only in {' and '.join(IMAGE_REGIONS)}"


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """
    The objects that the jobs can use. A job is skipped if an object that the job needs is missing.

    :param bucket: An OSS bucket of the region.
    :param media_id: A short video that is registered as media in IMS.
    :param video_id: A short video in VOD.
    :param template_id: An AI template of VOD for images.
    """

    region_id: str
    bucket: str = ""
    media_id: str = ""
    video_id: str = ""
    template_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Listing:
    """
    The action that lists the jobs of a kind.

    :param parameters: A function that returns the parameters with which the action lists the latest jobs.
    :param items: The field of the response that contains the jobs.
    :param state: The field of a job that contains its state; empty if there is none.
    """

    action: str
    parameters: Callable[[Inputs], Mapping[str, Any]]
    items: str
    state: str = ""

    def find(self, response: Response, job_id: str) -> Mapping[str, Any] | None:
        """Return a job in a response; None if it is not listed."""
        return next((one for one in objects(response.body.get(self.items)) if one.get("JobId") == job_id), None)


@dataclass(frozen=True, kw_only=True)
class JobPlan:
    """
    A job that a run submits.

    :param name: Its name in markers, facts and reports.
    :param cost: What is billed to the account.
    :param needs: The names of the inputs that it needs.
    :param parameters: A function that returns the submit parameters for the inputs and a marker.
    :param query: The action that queries the job.
    :param id_parameter: The parameter of the query that contains the job id.
    :param job_at: The field of the response that contains the job, or a list of jobs; empty for the response itself.
    :param state: The field of the job that contains its state.
    :param states: The documented states of a running job, and those of an ended job, beginning with the state of a
        successful job.
    :param repeats: Whether the submit request is sent twice, to check that its ClientToken prevents a second job.
    """

    name: str
    product: str
    action: str
    cost: str
    parameters: Callable[[Inputs, str], dict[str, Any]]
    query: str
    id_parameter: str = "JobId"
    job_at: str = ""
    state: str = "State"
    states: tuple[tuple[str, ...], tuple[str, ...]]
    listing: Listing
    needs: tuple[str, ...] = ()
    repeats: bool = False

    def missing(self, inputs: Inputs) -> str:
        """Return why the job cannot be submitted; empty if it can."""
        lacking = [name for name in self.needs if not getattr(inputs, name)]
        if lacking:
            return f"{' and '.join('--' + name.replace('_', '-') for name in lacking)} not given"
        if self.product == "vod" and inputs.region_id not in IMAGE_REGIONS:
            return ONLY_IN_IMAGE_REGIONS
        return ""

    def job_in(self, body: Mapping[str, Any], job_id: str) -> Mapping[str, Any]:
        """Return the job in the response to a query; empty if the response does not contain the job."""
        found = body.get(self.job_at) if self.job_at else body
        if isinstance(found, list):
            return next((one for one in objects(found) if one.get("JobId") == job_id), {})
        return found if isinstance(found, Mapping) else {}


@dataclass(kw_only=True)
class JobRun:
    """
    A job of one run, with all observations of this job.

    :param marker: The value in its UserData that identifies it.
    :param problem: The reason why the job was not submitted or was not observed to end; empty if there was no problem.
    :param submit: The response to the submit request; None if the request was not sent, or was interrupted.
    :param sent: Whether the submit request was sent, so that a job may exist.
    :param repeat: The response to the second submit request with the same ClientToken; None if it was not sent.
    :param polls: The responses to the queries.
    :param searched: The latest response of the listing.
    :param listed: The first response of the listing that contains the job.
    :param ended: The time when the job was first observed to have ended, in seconds on the clock of the run.
    :param observed: Whether the observation is complete: the job has ended and was listed, or the time limits expired.
    """

    plan: JobPlan
    marker: str
    problem: str = ""
    sent: bool = False
    submit: Response | None = None
    repeat: Response | None = None
    polls: list[Response] = field(default_factory=list)
    searched: Response | None = None
    listed: Response | None = None
    ended: float | None = None
    observed: bool = False

    @property
    def job_id(self) -> str:
        """The id of the job; empty if no job was accepted."""
        return str(self.submit.body.get("JobId") or "") if self.submit and self.submit.ok else ""

    @property
    def jobs(self) -> Iterator[Mapping[str, Any]]:
        """The job in each poll that returned it, in the order of the polls."""
        return (job for poll in self.polls if (job := self.plan.job_in(poll.body, self.job_id)))

    @property
    def repeated_id(self) -> str:
        """The id of a second job, which the repeated submit request created; empty if there is none."""
        found = str(self.repeat.body.get("JobId") or "") if self.repeat and self.repeat.ok else ""
        return "" if found == self.job_id else found

    @property
    def states(self) -> list[str]:
        """The distinct observed states in order; a missing state is an empty string."""
        return list(dict.fromkeys(str(job.get(self.plan.state) or "") for job in self.jobs))

    @property
    def last(self) -> Mapping[str, Any]:
        """The job in the last poll that returned it; empty if no poll returned it."""
        return (list(self.jobs) or [{}])[-1]

    def has_ended(self, job: Mapping[str, Any]) -> bool:
        """Return whether a job and all of its sub-jobs have ended."""
        running = (one for one in objects(job.get("SubJobList")) if one.get("Status") not in ("Success", "Failed"))
        return job.get(self.plan.state) in self.plan.states[1] and not any(running)


def objects(items: Any) -> list[Mapping[str, Any]]:
    """Return the objects in a list; an empty list if the value is not a list."""
    return [one for one in items if isinstance(one, Mapping)] if isinstance(items, list) else []


def _user_data(marker: str) -> dict[str, str]:
    return {MARKER: marker}


def _text(inputs: Inputs, marker: str) -> dict[str, Any]:
    return {
        "Type": "Title",
        "GenerateConfig": json.dumps({"keywords": "cake", "textLength": 5, "targetCount": 1}),
        "UserData": json.dumps(_user_data(marker)),
    }


def _speech(inputs: Inputs, marker: str) -> dict[str, Any]:
    return {
        "InputConfig": "好",
        "EditingConfig": json.dumps({"voice": "Siqi", "format": "MP3"}),
        "OutputConfig": json.dumps({"bucket": inputs.bucket, "object": marker}),
        "UserData": json.dumps(_user_data(marker)),
    }


def _batch(inputs: Inputs, marker: str) -> dict[str, Any]:
    folder = f"http://{inputs.bucket}.oss-{inputs.region_id}.aliyuncs.com/{marker}"
    output = {"MediaURL": f"{folder}/{{index}}.mp4", "Count": 1, "MaxDuration": 2, "Width": 360, "Height": 640}
    return {
        "InputConfig": json.dumps({"MediaGroupArray": [{"GroupName": "one", "MediaArray": [inputs.media_id]}]}),
        "OutputConfig": json.dumps(output),
        "UserData": json.dumps(_user_data(marker)),
        "ClientToken": marker,
    }


def _image(inputs: Inputs, marker: str) -> dict[str, Any]:
    return {
        "VideoId": inputs.video_id,
        "AITemplateId": inputs.template_id,
        "UserData": json.dumps({"Extend": _user_data(marker)}),
    }


PAGE_SIZE = 100
SMART_LISTING = Listing(
    action="ListSmartJobs",
    parameters=lambda _: {"SortBy": "CreationTime:Desc", "MaxResults": PAGE_SIZE},
    items="SmartJobList",
    state="JobState",
)
SMART_STATES = (("Created", "Executing"), ("Finished", "Failed"))

JOBS = (
    JobPlan(
        name="text",
        product="ice",
        action="SubmitTextGenerateJob",
        cost="one title of at most 5 characters; billed per token",
        parameters=_text,
        query="GetSmartHandleJob",
        states=SMART_STATES,
        listing=SMART_LISTING,
    ),
    JobPlan(
        name="speech",
        product="ice",
        action="SubmitAudioProduceJob",
        cost="speech of one Chinese character, stored in the bucket",
        needs=("bucket",),
        parameters=_speech,
        query="GetSmartHandleJob",
        states=SMART_STATES,
        listing=SMART_LISTING,
    ),
    JobPlan(
        name="batch",
        product="ice",
        action="SubmitBatchMediaProducingJob",
        cost="one video of at most 2 s and 360x640 pixels, stored in the bucket",
        needs=("bucket", "media_id"),
        parameters=_batch,
        query="GetBatchMediaProducingJob",
        job_at="EditingBatchJob",
        state="Status",
        states=(("Init", "Processing"), ("Finished", "Failed")),
        listing=Listing(
            action="ListBatchMediaProducingJobs",
            parameters=lambda _: {"SortBy": "desc", "MaxResults": PAGE_SIZE},
            items="EditingBatchJobList",
            state="Status",
        ),
        repeats=True,
    ),
    JobPlan(
        name="image",
        product="vod",
        action="SubmitAIImageJob",
        cost="the AI images of one video; the template defines their number",
        needs=("video_id", "template_id"),
        parameters=_image,
        query="GetAIImageJobs",
        id_parameter="JobIds",
        job_at="AIImageJobList",
        state="Status",
        # The states of a running job are not documented.
        states=((), ("success", "fail")),
        listing=Listing(
            action="ListAIImageInfo",
            parameters=lambda inputs: {"VideoId": inputs.video_id},
            items="AIImageInfoList",
        ),
    ),
)
