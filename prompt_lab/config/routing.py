"""What the router of models may do: a part of configs/benchmark.yaml, also for a gateway."""

from pathlib import Path

from pydantic import Field

from prompt_lab.config.base import Config


class RoutingSwitches(Config):
    """What the router may do. Times are seconds."""

    enabled: bool = True
    fallbacks: dict[str, tuple[str, ...]] = Field(
        default={}, description="model -> models to ask in its place, in their order"
    )
    prefer_cheaper: bool = Field(
        default=False,
        description="route a model also to a cheaper one that is shown to be no worse on a phase",
    )
    example_rules: bool = Field(
        default=False, description="switch the shipped rule extended -> haiku for lfm2.5 on"
    )
    cooldown_seconds: float = Field(
        default=60.0, ge=0, description="how long a model rests; 0: never"
    )
    cooldown_failures: int = Field(
        default=3,
        ge=1,
        description="failed calls within cooldown_seconds after which a model rests; a failure that"
        " a retry made good counts too",
    )


class GatewayRouting(Config):
    """Where the process of a gateway finds the routing table and the failover state."""

    lab: Path
    switches: RoutingSwitches
