"""The regions of the services, and how the region of a request is determined."""

from __future__ import annotations

import re

from airflow_provider_ims.emulator.api.errors import invalid
from airflow_provider_ims.emulator.api.messages import ApiRequest

# These pages contradict each other about the regions of each product, so the emulator accepts every region for both
# products:
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
    Return the region to which a request applies.

    The services have an endpoint for each region, and the host name of the endpoint contains the region. The host name
    in a request to the emulator usually contains no region. The region is then the value of the parameter ``RegionId``,
    which older clients send with each request.

    :param default: The region of a request that specifies none.
    :raises ApiError: If the host name or ``RegionId`` specifies an unknown region, or if the action is not available in
        the region.
    """
    parameter = request.parameters().get(REGION_PARAMETER)
    named = region_of_host(request.host) or parameter or default
    # The documentation does not specify the error for an unknown region.
    for region in (named, parameter):
        if region and region not in REGIONS:
            raise invalid(REGION_PARAMETER, f"Valid values: {', '.join(sorted(REGIONS))}.")
    if request.action in AI_IMAGE_ACTIONS and named not in AI_IMAGE_REGIONS:
        raise invalid(REGION_PARAMETER, f"{request.action} is available only in {' and '.join(AI_IMAGE_REGIONS)}.")
    return named


def region_of_host(host: str) -> str | None:
    """
    Return the region in a host name; None if the host name contains no region.

    For an endpoint of IMS, VOD or SMQ, the returned region is not necessarily one that the emulator supports.
    """
    name = host.lower().partition(":")[0]
    if endpoint := _ENDPOINT.fullmatch(name):
        return endpoint[1]
    return next((label for label in name.split(".") if label in REGIONS), None)
