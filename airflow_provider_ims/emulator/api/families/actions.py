"""The actions that manage resources, derived from the table of families."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from airflow_provider_ims.emulator.api.families.kinds import ENVELOPE, ResourceKind, Respond
from airflow_provider_ims.emulator.api.families.responses import fill
from airflow_provider_ims.emulator.api.families.shapes import documented
from airflow_provider_ims.emulator.api.families.table import FAMILIES
from airflow_provider_ims.emulator.api.families.verbs import HANDLERS
from airflow_provider_ims.emulator.api.jobs import Jobs
from airflow_provider_ims.emulator.api.messages import ApiResponse
from airflow_provider_ims.emulator.api.model import Fields, Product, key_of


def _responses(kind: ResourceKind) -> Iterator[tuple[str, Respond]]:
    for verb, handler in HANDLERS.items():
        actions = getattr(kind, verb)
        for action in actions.split() if isinstance(actions, str) else actions:
            yield action, partial(handler, kind, action)
    yield from ((action, _documented(kind.product, action, respond)) for action, respond in kind.other.items())


def _documented(product: Product, action: str, function: Respond) -> Respond:
    """Wrap a response function to remove undocumented fields and add the documented fields of ``ENVELOPE``."""

    def respond(jobs: Jobs, parameters: dict[str, str]) -> Fields:
        content = function(jobs, parameters)
        return fill(documented(product, action).response, {**ENVELOPE, **content}.get)

    return respond


def resource_actions() -> Iterator[tuple[str, Product, Callable[[Jobs, dict[str, str]], ApiResponse]]]:
    """Yield the key, the product and the response function of each action that manages resources."""
    for family in FAMILIES:
        responses = [pair for kind in family.kinds for pair in _responses(kind)]
        responses += [(name, _documented(family.product, name, respond)) for name, respond in family.other.items()]
        for action, respond in responses:
            yield key_of(action, family.product.version), family.product, partial(_succeeded, respond)


def _succeeded(respond: Respond, jobs: Jobs, parameters: dict[str, str]) -> ApiResponse:
    return ApiResponse(200, respond(jobs, parameters))
