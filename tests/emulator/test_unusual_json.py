"""A request with unusual JSON in a parameter is accepted or rejected, and the job can be queried."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from support.submits import SUBMITS, encoded

from airflow_provider_ims._jobs.api_caller import LimitedRetries
from airflow_provider_ims._jobs.job import Job
from airflow_provider_ims._jobs.kinds import KINDS, JobKind
from airflow_provider_ims.emulator import ImsEmulator
from airflow_provider_ims.exceptions import ImsRequestError
from airflow_provider_ims.hooks.ims import ImsHook
from airflow_provider_ims.hooks.vod import VodHook

pytestmark = pytest.mark.slow

HOOKS = {"ice": ImsHook, "vod": VodHook}
#: The first value is a lone surrogate, which JSON can escape and UTF-8 cannot encode.
UNUSUAL: tuple[Any, ...] = ("\ud800", "", None, [{}], {"a": [1]}, 10**30)


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each part of a value."""
    yield path
    for step, inner in (
        value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    ):
        yield from paths(inner, (*path, step))


def replaced(value: Any, path: tuple[Any, ...], part: Any) -> Any:
    """Return a value with another part at a path."""
    if not path:
        return part
    changed = inner = copy.deepcopy(value)
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = part
    return changed


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.family.product.code}:{kind.submit_action}")
def test_unusual_json_is_accepted_or_rejected(kind: JobKind, ims_emulator: ImsEmulator) -> None:
    code = kind.family.product.code
    hook, good = HOOKS[code](), SUBMITS[code, kind.submit_action]
    for name in (parameter.name for parameter in kind.parameters if parameter.is_json):
        given = good.get(name, {"a": {"b": 1}})
        for path in paths(given):
            for part in UNUSUAL:
                changed = json.dumps(replaced(given, path, part))
                try:
                    response = hook.call(kind.submit_action, {**encoded(good), name: changed}, attempts=1)
                except ImsRequestError:
                    continue
                job_id = kind.job_id_in(response)
                assert job_id, (name, path, part)
                ims_emulator.finish(job_id)
                job = kind.family.query(LimitedRetries(hook), [job_id])[job_id]
                assert Job.from_dict(json.loads(json.dumps(job.as_dict()))) == job
