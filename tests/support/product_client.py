"""Calls the methods of the product clients by action name."""

from __future__ import annotations

import json
import re
from typing import Any

from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_vod20170321 import models as vod_models

MODELS = {"ice": ice_models, "vod": vod_models}


class ProductClient:
    """
    Sends the requests of a job family with a product client, using its request models, methods and parser.

    If the installed version of the product client does not have an action, the hook sends the request.

    :param hook: The hook that creates the client.
    """

    def __init__(self, hook: Any) -> None:
        self._hook = hook
        self._client = hook.get_conn()
        self._models = MODELS[hook.product.code]

    def call(self, action: str, params: dict[str, Any], **options: Any) -> Any:
        """Return the client's parsed response, converted to a dict."""
        model = getattr(self._models, f"{action}Request", None)
        if model is None:
            response: Any = self._hook.call(action, params, **options)
            return response
        request = model()
        given = {name: value if _takes_object(request, name) else _text(value) for name, value in params.items()}
        # The client's method names are the action names, converted with its own snake_case rules.
        (method,) = (name for name in dir(self._client) if name.replace("_", "") == action.lower())
        return getattr(self._client, method)(request.from_map(given)).body.to_map()


def _takes_object(request: Any, name: str) -> bool:
    attribute = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    kinds = type(request).__init__.__annotations__
    return str(kinds.get(attribute, "str")) not in ("str", "int", "bool")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
