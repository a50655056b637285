"""The recorded responses contain no identifiers of an account."""

from __future__ import annotations

import json
import re
import string
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.redaction import KEPT, WORDS, Redactor, redactor_of

ACCESS_KEY, SECRET = "LTAI5tQx7FyKpLmVnWzRsTgH", "q8ZrT1vYw3LkXoPdNc5UbHs6GmJe2A"
TOKEN = "CAIS8wF1q6Ft5B2yfSjIr5DkL+nGmpkU8vTzMkXirTcNY+lVh/LMqzz2IH1EeXBpAegYs/swm2hT7/oclqJ4"
ACCOUNT, ROLE = "1084506228139975", "acs:ram::1084506228139975:role/media-ingest"
BUCKET, MEDIA, PERSON = "acme-raw-footage", "b4549d46c88681030f6e71ee", "王小明"
REQUEST_ID = "7721B494-1F78-4E55-92E8-A7CEE7315BFA"
SIGNED = (
    f"https://{BUCKET}.oss-cn-shanghai.aliyuncs.com/launch/teaser-final.mp4"
    f"?Expires=1795295156&OSSAccessKeyId={ACCESS_KEY}&Signature=kF3%2Fz9Qe%3D"
)
#: Identifiers that must not remain in any form.
PLANTED = (
    *(ACCESS_KEY, SECRET, TOKEN, ACCOUNT, ROLE, BUCKET, MEDIA, PERSON, REQUEST_ID),
    *("launch/teaser-final", "teaser-final", "kF3", "1795295156", "203.0.113.77", "ops@acme.example", "media-ingest"),
    *("acme-studios", "zhang-wei-laptop"),
)
KNOWN = {BUCKET: "example-bucket", ACCESS_KEY: "example-access-key", SECRET: "example-secret", TOKEN: "example-token"}

RESPONSE = {
    "RequestId": REQUEST_ID,
    "HostId": f"{BUCKET}.ice.cn-shanghai.aliyuncs.com",
    "Code": "Forbidden.RAM",
    "Message": f"User {PERSON} ({ROLE}, ops@acme.example) from 203.0.113.77 may not read "
    f"{BUCKET}/launch/teaser-final.mp4 or media.acme-studios.cn/x with {ACCESS_KEY}; "
    f"request {REQUEST_ID}, media [{MEDIA}], see {SIGNED}.",
    "Recommend": f"https://api.aliyun.com/troubleshoot?q=Forbidden&requestId={REQUEST_ID}",
    "AccessDeniedDetail": {"AuthPrincipalDisplayName": PERSON, "EncodedDiagnosticMessage": TOKEN, "Owner": ACCOUNT},
    "SmartJobInfo": {
        "UserId": int(ACCOUNT),
        "Title": f"Teaser of {PERSON} for {ACCOUNT}",
        "InputConfig": {"InputFile": f"oss://{BUCKET}/launch/teaser-final.mp4"},
        "OutputConfig": {"Bucket": BUCKET, "Object": "launch/teaser-final"},
    },
    "UserData": json.dumps({"NotifyAddress": SIGNED, "Extend": {"owner": PERSON, "keys": [SECRET]}}),
    "JobResult": {
        "AiResult": json.dumps([{"content": f"by {PERSON}", "from": 0.0, "to": 0.846}], ensure_ascii=False),
        "MediaUrl": SIGNED,
        "MediaId": MEDIA,
    },
    f"Tag {PERSON}": {MEDIA: {BUCKET: "x"}},
    "NextToken": TOKEN[:40],
    "Output": "http://example.com/zhang-wei-laptop/1.mp4",
    "NewField": ["launch/teaser-final", {"Deep": SECRET}],
    "State": "Finished",
}


def redacted(content: Any) -> Any:
    return redactor_of(KNOWN, [content]).body(content)


def test_planted_identifiers_are_not_found_in_any_form() -> None:
    text = json.dumps(redacted(RESPONSE), ensure_ascii=False)
    decoded = text.encode().decode("unicode_escape", errors="ignore")
    for secret in PLANTED:
        forms = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], secret.lower(), secret.upper()}
        assert [form for form in forms if form in text or form in decoded] == []


def test_the_structure_the_types_and_the_states_remain() -> None:
    found = redacted(RESPONSE)
    assert (found["State"], found["Code"]) == ("Finished", "Forbidden.RAM")
    assert found["SmartJobInfo"]["UserId"] > 10**15
    assert re.fullmatch(r"0{8}-0000-0000-0000-\d{12}", found["RequestId"])
    assert re.fullmatch(r"\d{24}", found["JobResult"]["MediaId"])
    assert found["JobResult"]["MediaUrl"] == (
        "https://example-bucket.oss-cn-shanghai.aliyuncs.com/redacted.mp4"
        "?Expires=redacted&OSSAccessKeyId=redacted&Signature=redacted"
    )
    assert json.loads(found["JobResult"]["AiResult"])[0]["to"] == 0.846
    assert found["SmartJobInfo"]["OutputConfig"]["Bucket"] == "example-bucket"
    assert found["SmartJobInfo"]["InputConfig"]["InputFile"] == "oss://example-bucket/redacted.mp4"


def test_equal_identifiers_have_equal_placeholders_in_all_responses() -> None:
    first, second = {"JobId": MEDIA}, {"Message": f"The job {MEDIA} failed.", "Jobs": json.dumps([{"JobId": MEDIA}])}
    redactor = redactor_of({}, [first, second])
    job_id = redactor.body(first)["JobId"]
    assert redactor.body(second) == {
        "Message": f"The job {job_id} failed.",
        "Jobs": json.dumps([{"JobId": job_id}]),
    }


def test_an_identifier_of_a_later_response_is_replaced_in_an_earlier_response() -> None:
    earlier, later = {"Message": f"No right for {PERSON}和朋友"}, {"DisplayName": PERSON}
    assert PERSON not in redactor_of({}, [earlier, later]).body(earlier)["Message"]


def test_addresses_in_a_message_keep_their_format() -> None:
    message = f"Cannot read {SIGNED} at 2026-11-21T20:58:42Z."
    assert redacted({"Message": message})["Message"] == (
        "Cannot read https://example-bucket.oss-cn-shanghai.aliyuncs.com/redacted.mp4?Expires=redacted"
        "&OSSAccessKeyId=redacted&Signature=redacted at 2026-11-21T20:58:42Z."
    )


def test_redacting_a_redacted_response_changes_nothing() -> None:
    redactor = redactor_of(KNOWN, [RESPONSE])
    once = redactor.body(RESPONSE)
    assert redactor.text(once["Message"]) == once["Message"]
    assert redactor.body(once["JobResult"]) == once["JobResult"]


@pytest.mark.parametrize(
    "text",
    [
        "as documented: Created, then Executing, then Finished",
        "InvalidAccessKeyId.NotFound (HTTP 404)",
        "scheme http, a path with the object name and '.mp3', no query",
        "2026-11-21T20:58:42Z",
        "yes: Created, 0.0 s after the submission",
        "5.119539442937821",
        "IdempotentParameterMismatch",
    ],
)
def test_ordinary_texts_of_the_report_remain(text: str) -> None:
    assert redactor_of(KNOWN, [RESPONSE]).text(text) == text


NAMES = st.sampled_from([*sorted(KEPT), "JobId", "MediaUrl", "UserId", "Owner", "Anything", "UserData"])
#: Keys, ids, hexadecimal and base64 values, and account ids, as services generate them.
IDENTIFIERS = st.one_of(
    st.text("0123456789abcdef", min_size=20, max_size=64),
    st.text(string.digits, min_size=12, max_size=18).filter(lambda text: text[0] != "0"),
    st.text(string.ascii_letters + string.digits, min_size=16, max_size=30).map(lambda text: f"LTAI{text}"),
    st.uuids().map(str),
    st.text(string.ascii_letters + string.digits + "+/", min_size=30, max_size=200).filter(
        lambda text: any(one.isdigit() for one in text) and any(one.isalpha() for one in text)
    ),
)
TEXTS = st.sampled_from(
    ["{}", "The job {} failed.", "[{}]", "用户{}没有权限", '"{}"', "a={}&b", "https://a.example/{}?b={}", "{}\n"]
)


@st.composite
def planted(draw: st.DrawFn) -> tuple[str, Any]:
    """Return an identifier and a response that contains it at a random place."""
    identifier = draw(IDENTIFIERS)
    content: Any = draw(TEXTS).replace("{}", identifier)
    for name in draw(st.lists(NAMES, min_size=1, max_size=4)):
        content = {name: content, "State": "Finished"}
        wrap = draw(st.sampled_from(["", "list", "json"]))
        content = [content] if wrap == "list" else json.dumps(content) if wrap == "json" else content
    return identifier, {"Body": content}


@given(planted())
def test_an_identifier_in_any_place_is_replaced(case: tuple[str, Any]) -> None:
    identifier, content = case
    assert identifier not in json.dumps(redacted(content), ensure_ascii=False)


@given(st.sampled_from(sorted(KEPT)), st.text(string.ascii_letters, min_size=4, max_size=12))
def test_a_known_name_is_replaced_in_kept_fields(field: str, name: str) -> None:
    if name in WORDS:
        return
    content = {field: f"The bucket {name} of 用户{name}."}
    assert name not in Redactor({name: "9"}).body(content)[field]
