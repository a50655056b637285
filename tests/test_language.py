"""No file uses a retired phrase or identifier; the lists below name the replacements."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Folders without tracked files, which are skipped where git is not available.
NOT_TRACKED = {"__pycache__", "build", "dist"}

#: Phrase (a regular expression, case-insensitive) -> what to write instead. A space also matches an underscore or a
#: line break, so that identifiers and wrapped sentences are also checked.
PHRASES = {
    r"after so (long|many)": "after this time, after this number of",
    r"all that waits?": "all waiting jobs",
    r"(?<!but\s)also (if|when|where)": "even if, even when",
    r"(an|each|empty|its|lost|no|that|the) answers?": "response",
    r"arrows": "import direction",
    r"as far as": "if, up to",
    r"ask(s|ed|ing)? (about|after|for|of)": "query, request, require",
    r"bec(omes?|ame) of": "outcome, result, end state",
    r"checked video": "moderated video",
    r"(came?|comes?|come) of (it|them|each|that|this)": "outcome, result",
    r"(came?|comes?) to nothing": "fails",
    r"come to nothing": "fail",
    r"documented shape": "unexpected response format",
    r"(?<![\".-])(every|some|no|any)body(?!\")": "the user, another process, no code",
    r"ends of jobs": "when jobs end",
    r"failed for its": "failed because of its",
    r"forgiv(e|es|en|ing)": "tolerates, ignores",
    r"(goes|went|go) on(?! (top|a|the)\b)": "continues",
    r"go(es)? over": "overrides, exceeds",
    r"hand(s|ed|ing)?( it| them)? on": "pass",
    r"(has|have) (it|them) that": "the documentation says that",
    r"(has|have) it(?=[.,;:)])": "as documented, as in",
    r"heed(s|ed|ing)?": "respect, apply",
    r"hears?|heard": "receives, processes",
    r"(?<!-)house": "package, project",
    r"knock(s|ed)? at": "connects to",
    r"(jobs?|runs?|tasks?) have made": "produced, output",
    r"let(s|ting)? slip": "loses",
    r"(a|another|each|every|first|last|next|one|second|third) look(?! like)": "poll, search",
    r"(its|more|of|these|those|three|two) looks": "polls, searches",
    r"look(s|ed|ing)? (after|at)": "polls, inspects, checks",
    r"ma(k|d)es? known": "defines, registers, reports",
    r"near it are": "did you mean",
    r"no hope": "persistent error",
    r"not ours": "not our responsibility: name the owner",
    r"odd(?! shape)": "unexpected, malformed, unusual",
    r"of (its|our|one's) own(?= (and|as|for|in|is|on|so|that|to|which|with)\b|[^\w\s])": "separate, its own",
    r"of ours": "of the provider",
    r"parameters tell": "inferred from the parameters",
    r"passing trouble": "transient errors",
    r"patience": "timeout, throttle_timeout",
    r"(it|that|which) pays(?! for)": "is worthwhile",
    r"pays (if|off|once|only|to|when)": "is worthwhile",
    r"pictures": "images",
    r"plan of the": "architecture overview",
    r"questions? (about|of|to)": "query, request",
    r"rests (for|until)": "pauses, backs off",
    r"rooms|(a|each|every|one|whose) room|room of": "module, package, directory",
    r"(a|after|in|of|the) silence": "pause, time without a response",
    r"(pre)?signed address(es)?": "signed URL, presigned URL",
    r"sounds": "audio",
    r"stand(s|ing)?[\s-]ins?( for)?": "replaces, fake",
    # Only as a noun in prose: identifiers may contain it.
    r"(a|accepted|another|first|lost|repeated|second|the)\s+submits?"
    r"(?!\s+(action|operator|parameter|rate|request|response))": "submission, submit request",
    r"tak(e|es|en|ing)( no)? note of": "records",
    r"tell(s|ing)? (how|of|that|what|whether|which)": "returns, reports, shows",
    r"time is up": "on a timeout",
    r"time-outs?": "timeout",
    r"told": "reported, detected, requested",
    r"wants? to be": "must be",
    r"(was|were) seen to": "was observed to",
    r"what (came|comes) out": "result, output",
    r"what (it|one|they|each|a \w+|the \w+) (came|comes|come) to": "outcome, result",
    r"what (it|one|they|each|a \w+|the \w+) makes? of": "how it evaluates, how it reads",
    r"what (is|was|has been) seen": "observation",
    r"worth telling": "notable",
}

#: Identifier or file name (a regular expression, case-sensitive) -> its new name.
IDENTIFIERS = {
    r"Asker": "RateLimitedClient",
    r"JobWatch|watch_job": "JobMonitor",
    r"KeptCredentials": "CachingCredentialsProvider",
    r"Limiter": "RateLimiter",
    r"airflow_provider_ims[./](polling|watching)": "airflow_provider_ims._waiting",
    r"(asker|checkup|limiter|note|sources|watching)\.py": "the name of the new module",
    r"checkup": "connection_test",
    r"class (Notice|Told)": "an event and emit",
    r"class Note": "SubmissionRecord",
    r"class Wait": "Subscription",
    r"conclude(?=\()": "complete",
    r"def along": "walk_path",
    r"def judge": "refine",
    r"def (look|looks)": "poll_once",
    r"def pays": "is_worthwhile",
    r"def plain": "normalize",
    r"def takes|import takes": "declare",
    r"emulator[./](generic|made|made_vod|wire)|(generic|made|made_vod|wire)\.py": "the emulator's new modules",
    r"hand_on": "complete",
    r"log_told": "log_progress",
    r"once_by": "dedup_parameter",
    r"show_job": "push_console_link",
    r"until_heard": "wait_until_deferral_processed",
    r"went_well": "record_success",
}


def phrase_pattern(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return one expression for phrases, in which a space also matches an underscore or a wrapped line."""
    alternatives = "|".join(phrases).replace(" ", r"[\s#_]+")
    return re.compile(rf"(?<![^\W_])(?:{alternatives})(?![^\W_])", re.IGNORECASE)


def identifier_pattern(identifiers: Iterable[str]) -> re.Pattern[str]:
    """Return one expression for identifiers."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(identifiers)})(?!\w)")


CHECKS = ((PHRASES, phrase_pattern), (IDENTIFIERS, identifier_pattern))


def tracked_files() -> list[Path]:
    """Return the files of the project: the files that git lists, or all files if there is no repository."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        listing = ""
    if listing:
        return sorted({path for name in listing.split("\0") if name and (path := ROOT / name).is_file()})
    return sorted(path for path in ROOT.rglob("*") if path.is_file() and is_tracked(path.relative_to(ROOT)))


def is_tracked(path: Path) -> bool:
    """Return whether a path is probably part of the project."""
    return not any(part.startswith(".") or part in NOT_TRACKED for part in path.parts)


def hits(name: str, content: str) -> Iterator[str]:
    """Yield each retired phrase in a file or in its name, with the line and the replacement."""
    # The name is line 0.
    text = f"{name}\n{content}"
    for entries, pattern in CHECKS:
        for match in pattern(entries).finditer(text):
            replacement = next(new for old, new in entries.items() if pattern([old]).match(text, match.start()))
            line = text.count("\n", 0, match.start())
            yield f"{name}:{line}: {' '.join(match[0].split())!r}; write: {replacement}"


def test_no_file_uses_a_retired_phrase() -> None:
    found = []
    for path in tracked_files():
        if path == Path(__file__):
            continue
        try:
            content = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += hits(path.relative_to(ROOT).as_posix(), content)
    assert found == [], "\n" + "\n".join(found)


def test_a_hit_contains_the_line_and_the_replacement() -> None:
    assert list(hits("page.md", "First.\nA job is\n# told off.\n")) == [
        "page.md:3: 'told'; write: reported, detected, requested"
    ]
    assert list(hits("page.md", "It goes\nover the limit.")) == ["page.md:1: 'goes over'; write: overrides, exceeds"]
    assert list(hits("page.md", "After the\nsubmit of a job.")) == [
        "page.md:1: 'the submit'; write: submission, submit request"
    ]
    assert list(hits("module.py", "def takes(): ...")) == ["module.py:1: 'def takes'; write: declare"]
    assert list(hits("test_odd_jobs.py", "")) == ["test_odd_jobs.py:0: 'odd'; write: unexpected, malformed, unusual"]


def test_correct_english_is_accepted() -> None:
    text = (
        "A second job is unknown. No other component behaves oddly; odd_shape is a fault. It goes on the worker. "
        'The login is "nobody", in-house as usual. The order of its own jobs. The submit action and the submit rate, '
        "but also when jobs submit. "
    )
    assert list(hits("tests/test_x.py", text)) == []
