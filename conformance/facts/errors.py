"""Facts about error responses and request ids. The checks send requests that need no job and are free of charge."""

from __future__ import annotations

import uuid
from dataclasses import replace
from functools import partial
from typing import Any

from conformance.facts.fact import (
    Evidence,
    Fact,
    NotTestedError,
    Observed,
    api_page,
    require_accepted,
    require_response,
)
from conformance.jobs import IMAGE_REGIONS, JOBS, ONLY_IN_IMAGE_REGIONS, JobPlan
from conformance.service import Response, access_key

#: Pages with the public error codes of the gateway, and with the format of error responses (of another product).
GATEWAY_CODES = "https://developer.aliyun.com/ask/278265"
ERROR_FORMAT = "https://www.alibabacloud.com/help/en/imm/developer-reference/error-handling-1"
PRODUCT_CODES = {
    "ice": "https://help.aliyun.com/document_detail/197855.html",
    "vod": "https://www.alibabacloud.com/help/en/vod/api-reference-error-codes",
}
ERROR_FIELDS = ("RequestId", "HostId", "Code", "Message", "Recommend")
MAX_IMAGE_JOBS = 10


def _rejected(response: Response, *codes: str) -> Observed:
    return Observed("accepted" if response.ok else response.error, response.body.get("Code") in codes)


def _unknown_action(evidence: Evidence) -> Response:
    return evidence.service.send_unknown_action("ice", "GetConformance")


def _unknown_action_code(evidence: Evidence) -> Observed:
    # The list of public codes contains the first code; actual responses of the gateway contain the second code.
    return _rejected(_unknown_action(evidence), "InvalidApi.NotFound", "InvalidAction.NotFound")


def _error_fields(evidence: Evidence) -> Observed:
    body = _unknown_action(evidence).body
    missing = [name for name in ERROR_FIELDS if not isinstance(body.get(name), str)]
    return Observed(f"missing: {', '.join(missing)}" if missing else ", ".join(sorted(body)), not missing)


def _unknown_access_key(evidence: Evidence) -> Observed:
    key_id = f"LTAI5t{uuid.uuid4().hex[:18]}"
    return _rejected(_signed_with(evidence, access_key(key_id, uuid.uuid4().hex)), "InvalidAccessKeyId.NotFound")


def _wrong_secret(evidence: Evidence) -> Observed:
    used = evidence.service.access.credential.get_credential()
    if not used.get_access_key_id():
        raise NotTestedError("the credentials have no AccessKey ID")
    credential = access_key(used.get_access_key_id(), uuid.uuid4().hex, used.get_security_token() or "")
    return _rejected(_signed_with(evidence, credential), "SignatureDoesNotMatch")


def _signed_with(evidence: Evidence, credential: Any) -> Response:
    access = replace(evidence.service.access, credential=credential)
    return evidence.service.send("ice", "ListSmartJobs", {}, access=access)


def _missing_parameters(plan: JobPlan, evidence: Evidence) -> Observed:
    if plan.product == "vod":
        _require_image_region(evidence)
    # Without its parameters, no submit request can create a job.
    response = require_response(evidence.service.send(plan.product, plan.action, {}))
    # The products document MissingParameter; the gateway documents Missing followed by the name of the parameter.
    code = str(response.body.get("Code"))
    return Observed("accepted" if response.ok else response.error, not response.ok and code.startswith("Missing"))


def _page_size(evidence: Evidence) -> Observed:
    response = require_response(evidence.service.read("ice", "ListSmartJobs", MaxResults=101))
    return Observed("accepted" if response.ok else response.error, not response.ok)


def _too_many_ids(evidence: Evidence) -> Observed:
    _require_image_region(evidence)
    ids = ",".join(uuid.uuid4().hex for _ in range(MAX_IMAGE_JOBS + 1))
    response = require_response(evidence.service.read("vod", "GetAIImageJobs", JobIds=ids))
    return Observed("accepted" if response.ok else response.error, not response.ok)


def _require_image_region(evidence: Evidence) -> None:
    if evidence.inputs.region_id not in IMAGE_REGIONS:
        raise NotTestedError(ONLY_IN_IMAGE_REGIONS)


def _page_token(evidence: Evidence) -> Observed:
    response = require_response(evidence.service.read("ice", "ListSmartJobs", NextToken="conformance"))
    return Observed(f"accepted, {len(response.body.get('SmartJobList') or [])} jobs" if response.ok else response.error)


def _unknown_job(plan: JobPlan, evidence: Evidence) -> Observed:
    response = evidence.service.read(plan.product, plan.query, **{plan.id_parameter: uuid.uuid4().hex})
    if not require_response(response).ok:
        return Observed(response.error)
    fields = sorted(set(response.body) - {"RequestId"})
    values = ", ".join(f"{name} is {_kind(response.body[name])}" for name in fields)
    return Observed(f"HTTP 200; {values or 'no field except RequestId'}")


def _kind(value: object) -> str:
    # Other values are not shown, because they could belong to a job of another user.
    return repr(value) if value in (None, "", [], {}) else f"of type {type(value).__name__}"


def _request_id(evidence: Evidence) -> Observed:
    request_id = require_accepted(evidence.service.read("ice", "ListSmartJobs", MaxResults=1)).body.get("RequestId")
    return Observed("present" if request_id else "missing", isinstance(request_id, str))


def _request_id_header(evidence: Evidence) -> Observed:
    response = require_accepted(evidence.service.read("ice", "ListSmartJobs", MaxResults=1))
    header = response.headers.get("x-acs-request-id")
    if header is None:
        return Observed("no header")
    return Observed("the RequestId of the body" if header == response.body.get("RequestId") else "another id")


FACTS = (
    Fact(
        name="errors.unknown_action",
        statement="A request for an action that does not exist is rejected.",
        documented="InvalidApi.NotFound or InvalidAction.NotFound",
        source=GATEWAY_CODES,
        check=_unknown_action_code,
    ),
    Fact(
        name="errors.fields",
        statement="An error response has the common fields.",
        documented=", ".join(ERROR_FIELDS),
        source=ERROR_FORMAT,
        check=_error_fields,
    ),
    Fact(
        name="errors.unknown_access_key",
        statement="A request with an AccessKey ID that does not exist is rejected.",
        documented="InvalidAccessKeyId.NotFound",
        source=GATEWAY_CODES,
        check=_unknown_access_key,
    ),
    Fact(
        name="errors.wrong_secret",
        statement="A request that is signed with a wrong secret is rejected.",
        documented="SignatureDoesNotMatch",
        source=GATEWAY_CODES,
        check=_wrong_secret,
    ),
    *(
        Fact(
            name=f"errors.missing_parameters.{plan.name}",
            statement=f"`{plan.action}` without parameters is rejected.",
            documented="MissingParameter, or Missing followed by the name of a parameter",
            source=PRODUCT_CODES[plan.product],
            check=partial(_missing_parameters, plan),
        )
        for plan in JOBS
    ),
    Fact(
        name="errors.page_size",
        statement="`ListSmartJobs` rejects a `MaxResults` above 100.",
        documented="1 to 100",
        source=api_page("ice", "ListSmartJobs"),
        check=_page_size,
    ),
    Fact(
        name="errors.image_ids",
        statement="`GetAIImageJobs` rejects more than 10 ids.",
        documented="at most 10 ids",
        source=api_page("vod", "GetAIImageJobs"),
        check=_too_many_ids,
    ),
    Fact(
        name="errors.page_token",
        statement="How does `ListSmartJobs` respond to a `NextToken` that it did not issue?",
        check=_page_token,
    ),
    *(
        Fact(
            name=f"errors.unknown_job.{plan.query}",
            statement=f"How does `{plan.query}` respond to an id that does not exist?",
            check=partial(_unknown_job, plan),
        )
        for plan in {plan.query: plan for plan in JOBS}.values()
    ),
    Fact(
        name="responses.request_id",
        statement="A response has a `RequestId`.",
        documented="RequestId",
        source=api_page("ice", "ListSmartJobs"),
        check=_request_id,
    ),
    Fact(
        name="responses.request_id_header",
        statement="Does the header `x-acs-request-id` contain the request id?",
        check=_request_id_header,
    ),
)
