"""How the API actions of both products are sent, where they differ from the default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Action:
    """
    How one API action is sent.

    :param name: The action, such as ``GetSmartHandleJob``.
    :param version: The API version of its product.
    :param method: The HTTP method.
    :param body: The parameters that are sent in the form body; all others are sent in the query.
    """

    name: str
    version: str
    method: str = "POST"
    body: frozenset[str] = frozenset()

    @property
    def reads(self) -> bool:
        """Whether the action only reads, so that it is safe to repeat."""
        return self.name.startswith(("Get", "List", "Query", "Describe", "Search"))


@dataclass(frozen=True, slots=True)
class Product:
    """
    The API of a product.

    :param code: The product code, the prefix of its RAM actions and endpoints.
    :param version: The API version.
    :param overrides: The actions that are not sent by ``POST`` with all parameters in the query.
    """

    code: str
    version: str
    overrides: Mapping[str, Action]

    def action(self, name: str) -> Action:
        """Return how an action is sent."""
        return self.overrides.get(name) or Action(name, self.version)


ICE_VERSION = "2020-11-09"
VOD_VERSION = "2017-03-21"


def _product(code: str, version: str, *overrides: Action) -> Product:
    return Product(code, version, MappingProxyType({action.name: action for action in overrides}))


def _with_body(name: str, *body: str) -> Action:
    """Return an action of IMS that sends some parameters in the form body."""
    return Action(name, ICE_VERSION, body=frozenset(body))


#: Parameters that may be long are sent in the body. The oracle tests detect when a newer SDK differs.
ICE = _product(
    "ice",
    ICE_VERSION,
    Action("ListSmartJobs", ICE_VERSION, method="GET"),
    _with_body("SubmitBatchMediaProducingJob", "InputConfig", "EditingConfig"),
    _with_body("SubmitHighlightExtractionJob", "InputConfig"),
    _with_body("SubmitMediaProducingJob", "Timeline"),
    _with_body("SubmitProjectExportJob", "Timeline"),
    _with_body("SubmitSceneMediaSelectionJob", "InputConfig", "EditingConfig"),
    _with_body("SubmitSceneTimelineOrganizationJob", "InputConfig", "EditingConfig"),
    _with_body("SubmitScreenMediaHighlightsJob", "InputConfig", "EditingConfig"),
    _with_body("SubmitSegmentationJob", "InputConfig"),
    _with_body("SubmitSportsHighlightsJob", "InputConfig"),
    _with_body("SubmitYikeAIAppJob", "AppId", "AppParams", "FolderId", "ProductionId"),
    _with_body("SubmitYikeStoryboardJob", "FileURL", "ShotSplitMode", "SourceType", "StyleId"),
)
VOD = _product("vod", VOD_VERSION, Action("GetWorkflowTask", VOD_VERSION, method="GET"))
