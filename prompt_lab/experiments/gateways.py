"""The gateways of this process, one per set of models, for steps in their own process."""

import atexit
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from prompt_lab.config.lab import GatewayConfig
from prompt_lab.config.models import ModelConfig
from prompt_lab.config.routing import GatewayRouting
from prompt_lab.own_process import ModelGateway


class Gateways:
    """Caches gateways per process; a forked process makes its own."""

    def __init__(
        self, load_adapter: Callable[[str, str], Any], routing: GatewayRouting | None = None
    ) -> None:
        self._load_adapter, self._routing = load_adapter, routing
        self._made: dict[tuple[int, tuple[str, ...]], ModelGateway] = {}

    def between(
        self, models: Sequence[ModelConfig], config: GatewayConfig, home: Path
    ) -> ModelGateway:
        """The gateway to these models. Relative recordings start at `home`."""
        key = (os.getpid(), tuple(model.alias for model in models))
        if key not in self._made:
            own = [m.alias for m in models if m.provider == "embedded" and config.mode != "replay"]
            made: ModelGateway = self._load_adapter("gateway", "local")(
                models,
                config,
                home,
                addresses=dict.fromkeys(own, self._embedded_servers() if own else ()),
                routing=self._routing,
            )
            atexit.register(made.close)
            self._made[key] = made
        return self._made[key]

    def close(self) -> None:
        """End them. A further run starts one again."""
        while self._made:
            self._made.popitem()[1].close()

    def _embedded_servers(self) -> list[str]:
        """The base URLs of the embedded model's processes, all of them started."""
        pool = self._load_adapter("embedded_pool", "shared")()
        return [f"{address}/v1" for address in pool.addresses()]
