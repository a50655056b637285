"""How the API actions of both products are sent; only deviations from the default are listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Action:
    """
    How one API action, such as ``GetSmartHandleJob``, is sent.

    :param body: The parameters that are sent in the form body; all others are sent in the query.
    """

    name: str
    version: str
    method: str
    body: frozenset[str]

    @property
    def reads(self) -> bool:
        """Whether the action is read-only and therefore safe to repeat."""
        return self.name.startswith(("Get", "List", "Query", "Describe", "Search"))


@dataclass(frozen=True, slots=True)
class Product:
    """
    The API of a product. Its actions are sent by ``POST``, with all parameters in the query, except those named here.

    :param code: The product code, the prefix of its RAM actions and endpoints.
    :param version: The API version.
    :param get: The actions that are sent by ``GET``.
    :param body: Action -> the parameters that are sent in the form body, because they may be long.
    """

    code: str
    version: str
    get: tuple[str, ...]
    body: Mapping[str, tuple[str, ...]]

    def action(self, name: str) -> Action:
        """Return how an action is sent."""
        method = "GET" if name in self.get else "POST"
        return Action(name, self.version, method, frozenset(self.body.get(name, ())))


# The oracle tests detect when a newer SDK differs.
ICE = Product(
    "ice",
    "2020-11-09",
    get=("ListSmartJobs",),
    body={
        "SubmitBatchMediaProducingJob": ("InputConfig", "EditingConfig"),
        "SubmitHighlightExtractionJob": ("InputConfig",),
        "SubmitMediaProducingJob": ("Timeline",),
        "SubmitProjectExportJob": ("Timeline",),
        "SubmitSceneMediaSelectionJob": ("InputConfig", "EditingConfig"),
        "SubmitSceneTimelineOrganizationJob": ("InputConfig", "EditingConfig"),
        "SubmitScreenMediaHighlightsJob": ("InputConfig", "EditingConfig"),
        "SubmitSegmentationJob": ("InputConfig",),
        "SubmitSportsHighlightsJob": ("InputConfig",),
        "SubmitYikeAIAppJob": ("AppId", "AppParams", "FolderId", "ProductionId"),
        "SubmitYikeStoryboardJob": ("FileURL", "ShotSplitMode", "SourceType", "StyleId"),
    },
)
VOD = Product("vod", "2017-03-21", get=("GetWorkflowTask",), body={})
