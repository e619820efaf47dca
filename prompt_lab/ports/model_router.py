"""Which models do a step: the lab's routing table and its failover state."""

from typing import NamedTuple, Protocol

from prompt_lab.config.routing import GatewayRouting


class ChosenRoute(NamedTuple):
    """The model that does a step in place of the one asked for; `model` is '' where none may."""

    model: str
    message: str
    """Why it is another one, or none; '' where the model asked for does it."""


class ModelRouter(Protocol):
    """Safe to use from many threads. All names of models are aliases."""

    def route(self, alias: str, step: str, *, force: bool) -> ChosenRoute:
        """Which model does a step. `force` takes the model itself, whatever the table says."""

    def log_route(self, alias: str, step: str, *, force: bool) -> None:
        """Append the decision to the audit trail, if a rule speaks of this model."""

    def phase_of(self, step: str) -> str:
        """The suite phase of a step, '' where no suite has it: what a gateway's calls go by."""

    def is_resting(self, alias: str) -> bool:
        """Whether the model failed so often just now that others are asked first."""

    def note_failures(self, alias: str, failures: int) -> None:
        """Count failed calls of a model, those that a retry made good included."""

    def gateway_routing(self) -> GatewayRouting | None:
        """What a gateway's process needs to route by the same table; None: routing is off."""
