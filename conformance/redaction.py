"""
Replaces the identifiers of an account in the recorded responses and in the report.

Strings are kept only in fields that normally contain no identifiers. In these strings, identifiers are replaced too:
those of the run's options and credentials, those found in any other field of any response, and all text that has the
form of an identifier. Equal values have equal placeholders, so that references between the responses remain valid.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

#: The fields whose strings are kept.
KEPT = frozenset(
    [
        "Action",
        "AiResult",
        "Code",
        "CompleteTime",
        "Content",
        "CreateTime",
        "CreationTime",
        "Description",
        "ErrorCode",
        "ErrorMessage",
        "Format",
        "GroupName",
        "InputConfig",
        "JobState",
        "JobType",
        "Keyword",
        "MaxResults",
        "Message",
        "ModifiedTime",
        "Score",
        "SortBy",
        "State",
        "Status",
        "Title",
        "TotalCount",
        "Type",
        "content",
        "format",
        "keywords",
        "voice",
    ]
)
#: Values that are kept in all fields, because they are not identifiers.
WORDS = frozenset(
    [
        "AIImageInfoId",
        "Created",
        "Executing",
        "Failed",
        "Finished",
        "Init",
        "Processing",
        "Script",
        "Smart_Mix",
        "Siqi",
        "Success",
        "TextGenerate",
        "TextToSpeech",
        "default",
        "false",
        "fail",
        "gif",
        "http",
        "https",
        "MP3",
        "mp3",
        "mp4",
        "null",
        "one",
        "processing",
        "success",
        "true",
    ]
)
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?Z?")
_UUID = re.compile(r"(?i)[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
_HEX = re.compile(r"(?i)[0-9a-f]{16,}")
_URL = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://[^\s\"'<>\\]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")
_LARGE = 10**7
#: Forms of identifiers: ARNs, e-mail addresses, host names, IP addresses, AccessKey IDs, other ids, tokens.
_FORMS = re.compile(
    r"""
    acs:[\w*:/@.-]+
    | [\w.+-]+@[\w-]+(\.[\w-]+)+
    | [\w.-]+\.(com|cn|net|org|io|tv|cc|xyz|top)\b
    | \b\d{1,3}(\.\d{1,3}){3}\b
    | \b(LTAI|STS\.)\w+
    | (?<![\w-])[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}(?![\w-])
    | (?<![0-9a-z])[0-9a-f]{16,}(?![0-9a-z])
    | (?<!\d)(?<!\d\.)\d{8,}
    | (?<![\w+/=-])(?=[\w+/=-]*\d)(?=[\w+/=-]*[a-z])[\w+/=-]{20,}
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)


class Redactor:
    """
    Replaces identifiers with placeholders.

    :param known: Identifier, such as the bucket or the AccessKey ID of the run -> placeholder.
    """

    def __init__(self, known: Mapping[str, str]) -> None:
        self._placeholders = {value: placeholder for value, placeholder in known.items() if value}
        self._pattern: re.Pattern[str] | None = None

    def learn(self, content: Any) -> None:
        """Collect the identifiers in a response. Call this method for all responses before the other methods."""
        self.body(content)

    def body(self, content: Any, field: str = "") -> Any:
        """
        Return JSON content without identifiers.

        :param field: The name of the field that contains the content.
        """
        if isinstance(content, Mapping):
            return {self._key(name): self.body(value, name) for name, value in content.items()}
        if isinstance(content, list):
            return [self.body(one, field) for one in content]
        if isinstance(content, str):
            return self._string(content, field)
        if isinstance(content, int) and not isinstance(content, bool) and abs(content) >= _LARGE:
            return int(self._placeholder(str(abs(content))))
        return content

    def text(self, text: str) -> str:
        """Replace the known identifiers, and everything that has the form of an identifier, in a text."""
        kept: list[str] = []

        def keep(text: str) -> str:
            kept.append(text)
            return f"\0{len(kept) - 1}\0"

        text = _URL.sub(lambda match: keep(self._url(match[0])), text.replace("\0", ""))
        text = TIME.sub(lambda match: keep(match[0]), text)
        text = self._replace_known(text)
        text = _FORMS.sub(lambda match: self._placeholder(match[0]), text)
        return re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], text)

    def _string(self, text: str, field: str) -> str:
        nested = _parsed(text)
        if nested is not None:
            return json.dumps(self.body(nested, field), ensure_ascii=False)
        if field in KEPT or TIME.fullmatch(text):
            return self.text(text)
        if _URL.fullmatch(text):
            return self._url(text)
        return self._placeholder(text) if text and text not in WORDS else text

    def _key(self, name: str) -> str:
        return self._replace_known(name) if _NAME.fullmatch(name) and not _FORMS.search(name) else "redacted"

    def _url(self, url: str) -> str:
        """
        Collect the identifiers in a URL, and return the URL without them.

        The scheme, the file extension, the names of the query parameters and the region of an OSS bucket are kept.
        """
        try:
            parts = urlsplit(url)
            names = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
        except ValueError:
            return "https://example.com/redacted"
        bucket, _, host = (parts.hostname or "").partition(".")
        is_bucket = host.startswith("oss-") and host.endswith(".aliyuncs.com")
        path = unquote(parts.path).strip("/")
        for learned in (bucket if is_bucket else parts.hostname, path, path.rpartition("/")[2]):
            if learned and not learned.startswith(("example", "redacted")):
                self._placeholder(learned)
        suffix = PurePosixPath(path).suffix
        suffix = suffix if re.fullmatch(r"\.[a-z0-9]{1,4}", suffix) else ""
        query = "&".join(f"{self._key(name)}=redacted" for name in names)
        host = f"example-bucket.{host}" if is_bucket else "example-bucket" if parts.scheme == "oss" else "example.com"
        return f"{parts.scheme}://{host}/redacted{suffix}{'?' if query else ''}{query}"

    def _placeholder(self, value: str) -> str:
        """Return the placeholder of an identifier. The placeholder has the same form, such as a UUID, if possible."""
        if value in self._placeholders.values():
            return value
        if value not in self._placeholders:
            self._placeholders[value] = _same_form(value, len(self._placeholders) + 1)
            self._pattern = None
        return self._placeholders[value]

    def _replace_known(self, text: str) -> str:
        if self._pattern is None:
            # The longest identifiers are first, because an identifier can contain another one. Identifiers of one or
            # two characters are not replaced, because they occur in many words.
            values = sorted((one for one in self._placeholders if len(one) > 2 and one not in WORDS), key=len)
            alternatives = "|".join(map(_whole, reversed(values))) or r"(?!)"
            self._pattern = re.compile(alternatives)
        return self._pattern.sub(lambda match: self._placeholders[match[0]], text)


def redactor_of(known: Mapping[str, str], contents: Iterable[Any]) -> Redactor:
    """Return a redactor that has collected the identifiers in all contents of a run."""
    redactor = Redactor(known)
    for content in contents:
        redactor.learn(content)
    return redactor


def _whole(value: str) -> str:
    # A short identifier can also be part of a longer word, which must not change. ``\b`` would not find an identifier
    # next to Chinese text, which contains no spaces.
    escaped = re.escape(value)
    return escaped if len(value) >= 8 else rf"(?<![A-Za-z0-9]){escaped}(?![A-Za-z0-9])"


def _parsed(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _same_form(value: str, number: int) -> str:
    if _UUID.fullmatch(value):
        return f"00000000-0000-0000-0000-{number:012}"
    if value.isascii() and value.isdecimal() and len(value) > 5:
        return f"9{number:0{len(value) - 1}}"
    if _HEX.fullmatch(value):
        return f"{number:0{len(value)}}"
    return f"redacted-{number}"
