"""routing_config.json: which model may do which phase, and who does it in its place."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import Field, model_validator

from prompt_lab.benchmark.feedback_records import Recommendation
from prompt_lab.benchmark.folders import ROUTING, routing_folder
from prompt_lab.config.routing import RoutingSwitches
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.layout import Lab


class RoutingRule(Record):
    """One rule: whether a model may do a phase."""

    model: str
    phase: str
    allow: bool = Field(description="False: the model is kept from the phase")
    fallback_model: str = Field(default="", description="the model asked in its place; '': none")
    enable_warmup: bool = False
    reason: str = ""
    source: str = Field(default="", description="harness_feedback, price, person or example")
    timestamp: str = ""
    provisional: bool = Field(default=False, description="too few answers for an interval")
    runs: tuple[str, ...] = Field(
        default=(), description="run folders that it rests on, relative to the lab"
    )
    benchmarks: tuple[str, ...] = Field(default=(), description="the benchmarks that made them")

    @model_validator(mode="before")
    @classmethod
    def _read_older(cls, data: Any) -> Any:
        """Older files have no `allow`: a rule with a fallback was meant to keep the model away."""
        if not isinstance(data, Mapping):
            return data
        found = {key: "" if value is None else value for key, value in data.items()}
        if "allow" not in found:
            found["allow"] = not found.get("fallback_model")
        return found

    @property
    def target(self) -> str:
        """model::phase."""
        return f"{self.model}::{self.phase}"


class RoutingConfig(Record):
    """The table. One rule for each model and phase; the last one counts."""

    version: int | str = VERSION
    generated_at: str = ""
    rules: tuple[RoutingRule, ...] = ()

    def find(self, model: str, phase: str) -> RoutingRule | None:
        """The rule that counts, or None."""
        found = [rule for rule in self.rules if (rule.model, rule.phase) == (model, phase)]
        return found[-1] if found else None


def with_aliases(config: RoutingConfig, aliases: Mapping[str, str]) -> RoutingConfig:
    """The table with aliases in place of short names; names of no model stay as they are."""
    rules = (
        rule.model_copy(
            update={
                "model": aliases.get(rule.model, rule.model),
                "fallback_model": aliases.get(rule.fallback_model, rule.fallback_model),
            }
        )
        for rule in config.rules
    )
    return config.model_copy(update={"rules": tuple(rules)})


EXAMPLE_RULES = tuple(
    RoutingRule(
        model=model,
        phase="extended",
        allow=False,
        fallback_model="haiku",
        reason="example: the small model is kept from the extended phase",
        source="example",
    )
    for model in ("lfm2.5", "lfm2.5-thinking:1.2b")
)
"""Off unless routing.example_rules is true, or a benchmark shows the same."""


PERSON, PRICE = "person", "price"
_SOURCES = {"routing": "harness_feedback", "warm_up": "harness_feedback", "price": PRICE}
"""Types of recommendations that make rules, and the source that these name."""
_FORGOTTEN = {"enable_warmup": False}


def generate_routing_rules(
    recommendations: Sequence[Recommendation], *, now: str, before: RoutingConfig | None = None
) -> RoutingConfig:
    """The table after these recommendations. Rules of a person and of other targets stay.

    What an adopted warm-up and prices add is decided again each time, so that it goes with them.
    """
    rules = {
        rule.target: rule if rule.source == PERSON else rule.model_copy(update=_FORGOTTEN)
        for rule in (before.rules if before else ())
        if rule.source != PRICE
    }
    for one in recommendations:
        old = rules.get(one.target)
        if one.type not in _SOURCES or (old is not None and old.source == PERSON):
            continue
        rule = RoutingRule(
            model=one.model,
            phase=one.phase,
            allow=one.allow,
            fallback_model=one.fallback,
            enable_warmup=one.type == "warm_up",
            reason=one.reason,
            source=_SOURCES[one.type],
            timestamp=now,
            provisional=one.provisional,
            runs=one.runs,
            benchmarks=one.benchmarks,
        )
        if one.type == "warm_up" and old is not None:
            reason = f"{old.reason}; {one.reason}"
            rule = old.model_copy(update={"enable_warmup": True, "reason": reason})
        rules[one.target] = rule
    ordered = tuple(rules[target] for target in sorted(rules))
    return RoutingConfig(generated_at=now, rules=ordered)


def read_routing(lab: Lab, switches: RoutingSwitches | None = None) -> RoutingConfig:
    """The lab's table, with the example rules below it where they are switched on.

    An empty one where there is none, or where routing is switched off. Raises StoreError for a
    file that cannot be read.
    """
    switches = switches or RoutingSwitches()
    if not switches.enabled:
        return RoutingConfig()
    path = routing_folder(lab) / ROUTING
    found = (
        read_record(path, RoutingConfig, fix="Restore it, or remove it to route nothing")
        if path.exists()
        else RoutingConfig()
    )
    examples = EXAMPLE_RULES if switches.example_rules else ()
    return found.model_copy(update={"rules": (*examples, *found.rules)})


def write_routing(lab: Lab, config: RoutingConfig) -> None:
    """Write the lab's table, atomically; the example rules are no part of it."""
    rules = tuple(rule for rule in config.rules if rule.source != "example")
    write_record(routing_folder(lab) / ROUTING, config.model_copy(update={"rules": rules}))


def routing_schema() -> dict[str, Any]:
    """The JSON schema of routing_config.json, as docs/routing_config.schema.json publishes it."""
    schema = RoutingConfig.model_json_schema(mode="serialization")
    schema["$id"] = "routing_config.schema.json"
    return schema
