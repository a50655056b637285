"""The regions of the services, and the region that a request is for."""

from __future__ import annotations

import re

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.messages import ApiRequest

# These pages contradict each other about the regions of each product, so both products have all regions:
# https://www.alibabacloud.com/help/en/ims/developer-reference/api-ice-2020-11-09-endpoint
# https://www.alibabacloud.com/help/en/ims/service-region
# https://www.alibabacloud.com/help/en/vod/user-guide/region-ids
REGIONS = frozenset(
    {
        "ap-northeast-1",
        "ap-southeast-1",
        "ap-southeast-5",
        "cn-beijing",
        "cn-hangzhou",
        "cn-hongkong",
        "cn-north-2-gov-1",
        "cn-shanghai",
        "cn-shenzhen",
        "cn-zhangjiakou",
        "eu-central-1",
        "me-central-1",
        "me-east-1",
        "us-west-1",
    }
)
AI_IMAGE_REGIONS = ("cn-beijing", "cn-shanghai")
AI_IMAGE_ACTIONS = frozenset({"SubmitAIImageJob", "GetAIImageJobs", "ListAIImageInfo"})

REGION_PARAMETER = "RegionId"
_ENDPOINT = re.compile(r"(?:(?:ice|vod)(?:-vpc)?|\d+\.mns)\.([^.]+?)(?:-internal)?\.aliyuncs\.com")


def region_of(request: ApiRequest, default: str) -> str:
    """
    Return the region that a request is for.

    The services have an endpoint in each region. The host of a request to an emulator usually does not contain a
    region. In this case, the region is the parameter ``RegionId``, which older clients send with each request.

    :param default: The region of a request that does not specify one.
    :raises ApiError: If the region is unknown, or the action is not available in it.
    """
    parameter = request.parameters().get(REGION_PARAMETER)
    named = region_of_host(request.host) or parameter or default
    # The error of the services is not documented.
    for region in (named, parameter):
        if region and region not in REGIONS:
            raise invalid(REGION_PARAMETER, f"Valid values: {', '.join(sorted(REGIONS))}.")
    if request.action in AI_IMAGE_ACTIONS and named not in AI_IMAGE_REGIONS:
        raise invalid(REGION_PARAMETER, f"{request.action} is available only in {' and '.join(AI_IMAGE_REGIONS)}.")
    return named


def region_of_host(host: str) -> str | None:
    """Return the region in a host name, even if the region is unknown; None if there is none."""
    name = host.lower().partition(":")[0]
    if endpoint := _ENDPOINT.fullmatch(name):
        return endpoint[1]
    return next((label for label in name.split(".") if label in REGIONS), None)
