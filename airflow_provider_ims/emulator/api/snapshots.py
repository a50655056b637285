"""``GetSnapshotUrls``, which returns the signed URLs of the snapshots of a job."""

from __future__ import annotations

import time

from airflow_provider_ims.emulator.api.addresses import numbered
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.messages import ApiResponse
from airflow_provider_ims.emulator.api.parameters import declare, one_of, whole_number
from airflow_provider_ims.emulator.api.signing import URL_SECONDS, signed_url
from airflow_provider_ims.emulator.state.store import Phase

SUBMIT = "SubmitSnapshotJob"
MAX_SECONDS = 36 * 3600
MAX_PAGE = 30

SNAPSHOT_URL_RULES = declare(
    "JobId* OrderBy PageNumber PageSize Timeout",
    OrderBy=one_of("Asc", "Desc"),
    PageNumber=whole_number(1),
    PageSize=whole_number(1, MAX_PAGE),
    Timeout=whole_number(1, MAX_SECONDS),
)


def get_snapshot_urls(jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    """
    Return one page of the signed URLs of a job's snapshots.

    For a job that has not succeeded, the emulator returns no URLs. The documentation does not describe this case.
    """
    job = jobs.queried(parameters["JobId"], SUBMIT)
    if job is None or (view := jobs.view(job)).phase is not Phase.SUCCEEDED:
        return ApiResponse(200, {"SnapshotUrls": [], "Total": 0})
    fields = view.kind.render(view)
    address, snapshot_type = fields["Output"]["Media"], fields["Type"]
    found = numbered(address, fields["Count"])
    if parameters.get("OrderBy") == "Desc":
        found.reverse()
    size = int(parameters.get("PageSize", 10))
    start = (int(parameters.get("PageNumber", 1)) - 1) * size
    expires = time.time() + int(parameters.get("Timeout", URL_SECONDS))

    def sign(one: str) -> str:
        return signed_url(one, view.settings, view.region, expires=expires)

    content = {"SnapshotUrls": [sign(one) for one in found[start : start + size]], "Total": len(found)}
    if snapshot_type == "WebVtt":
        # The documentation does not define the name of this file.
        content["WebVTTUrl"] = sign(f"{address.rpartition('.')[0].removesuffix('{Count}').rstrip('-_')}.vtt")
    return ApiResponse(200, content)
