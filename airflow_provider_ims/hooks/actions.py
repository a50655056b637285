"""How the actions of the two products go over the wire, where they differ from the rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Action:
    """
    One API action as it is sent.

    :param name: The action, such as ``GetSmartHandleJob``.
    :param version: The API version of its product.
    :param method: The HTTP method; ``POST`` unless the product's SDK sends another.
    :param body: Parameters that go into the form body; all others go into the query.
    """

    name: str
    version: str
    method: str = "POST"
    body: frozenset[str] = frozenset()

    @property
    def reads(self) -> bool:
        """Whether the action only reads, so that sending it twice does no harm."""
        return self.name.startswith(("Get", "List", "Query", "Describe", "Search"))


@dataclass(frozen=True, slots=True)
class Product:
    """
    A product's API.

    :param code: The product code, which is also the prefix of its RAM actions and its endpoints.
    :param version: The API version.
    :param exceptions: The actions that are sent otherwise than by ``POST`` with everything in the query.
    """

    code: str
    version: str
    exceptions: Mapping[str, Action]

    def action(self, name: str) -> Action:
        """Return how ``name`` is sent."""
        return self.exceptions.get(name) or Action(name, self.version)


ICE_VERSION = "2020-11-09"
VOD_VERSION = "2017-03-21"


def _product(code: str, version: str, *exceptions: Action) -> Product:
    return Product(code, version, MappingProxyType({action.name: action for action in exceptions}))


def _posts(name: str, *body: str) -> Action:
    """Return an action of IMS that sends some of its parameters in the form body."""
    return Action(name, ICE_VERSION, body=frozenset(body))


#: In the body go the parameters that may be long. The oracle tests find out when a newer SDK sends otherwise.
ICE = _product(
    "ice",
    ICE_VERSION,
    Action("ListSmartJobs", ICE_VERSION, method="GET"),
    _posts("SubmitBatchMediaProducingJob", "InputConfig", "EditingConfig"),
    _posts("SubmitHighlightExtractionJob", "InputConfig"),
    _posts("SubmitMediaProducingJob", "Timeline"),
    _posts("SubmitProjectExportJob", "Timeline"),
    _posts("SubmitSceneMediaSelectionJob", "InputConfig", "EditingConfig"),
    _posts("SubmitSceneTimelineOrganizationJob", "InputConfig", "EditingConfig"),
    _posts("SubmitScreenMediaHighlightsJob", "InputConfig", "EditingConfig"),
    _posts("SubmitSegmentationJob", "InputConfig"),
    _posts("SubmitSportsHighlightsJob", "InputConfig"),
    _posts("SubmitYikeAIAppJob", "AppId", "AppParams", "FolderId", "ProductionId"),
    _posts("SubmitYikeStoryboardJob", "FileURL", "ShotSplitMode", "SourceType", "StyleId"),
)
VOD = _product("vod", VOD_VERSION, Action("GetWorkflowTask", VOD_VERSION, method="GET"))
