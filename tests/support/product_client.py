"""The products' own clients, called by the names of their actions."""

from __future__ import annotations

import json
import re
from typing import Any

from alibabacloud_ice20201109 import models as ice_models
from alibabacloud_vod20170321 import models as vod_models

MODELS = {"ice": ice_models, "vod": vod_models}


class ProductClient:
    """
    Serves a job family by a product client: its request models, its methods, its parsing.

    An action that the installed version of the product client does not have is sent by the hook itself.

    :param hook: The hook whose client it is.
    """

    def __init__(self, hook: Any) -> None:
        self._hook = hook
        self._client = hook.get_conn()
        self._models = MODELS[hook.product.code]

    def call(self, action: str, params: dict[str, Any], **options: Any) -> Any:
        """Return the answer as the client parsed it, as a map again."""
        model = getattr(self._models, f"{action}Request", None)
        if model is None:
            answer: Any = self._hook.call(action, params, **options)
            return answer
        request = model()
        given = {name: value if _takes_object(request, name) else _text(value) for name, value in params.items()}
        # The client's names of methods: an underline before each word, of which it sees more than we do.
        (method,) = (name for name in dir(self._client) if name.replace("_", "") == action.lower())
        return getattr(self._client, method)(request.from_map(given)).body.to_map()


def _takes_object(request: Any, name: str) -> bool:
    attribute = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    kinds = type(request).__init__.__annotations__
    return str(kinds.get(attribute, "str")) not in ("str", "int", "bool")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
