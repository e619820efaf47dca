"""Resolve the flags of a command on this lab, once, before anything is scheduled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from prompt_lab.errors import ConfigError
from prompt_lab.lazy import call_on_use
from prompt_lab.names import Split, join_names, split_names
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iteration_numbers import check_number, check_step, resolve_number
from prompt_lab.store.iterations import IterationMeta

if TYPE_CHECKING:
    from prompt_lab.experiments.agent_access import agent_config
    from prompt_lab.experiments.context import LabContext

call_on_use(
    globals(),
    {
        "prompt_lab.experiments.agent_access": "agent_config",
    },
)

NEXT = -1
METRICS = "metrics"
MOST_IN_RACE = 4
"""Strategies, or branches, that are screened on one baseline."""


def settle(ctx: LabContext, given: Mapping[str, Any], *, iterates: bool = True) -> dict[str, Any]:
    """The flags with step and number filled in. Raises LabError for flags that cannot be used.

    `iterates` is False for a task that has no iteration of its own: its number is none.
    """
    values = dict(given)
    values["step"] = values["step"] or ctx.defaults.step
    ctx.step(values["step"])
    _check_agents(ctx, values)
    if values["branch"] and values["pr"]:
        raise ConfigError(["--branch and --pr name the change twice: give one of them"])
    origins = {"--branch or --pr": change_given(values), "--from": values["from"]}
    origins |= {"--follow-up": values["follow_up"]}
    named = [flag for flag, value in origins.items() if value]
    if len(named) > 1:
        raise ConfigError([f"{' and '.join(named)} say each where the change comes from: give one"])
    if values["agent"] and (values["from"] or values["follow_up"]):
        raise ConfigError(
            ["--agent starts from main: leave out --from and --follow-up, which need a strategy"]
        )
    if values["replicates"] < 0 or values["pr"] < 0 or values["number"] < NEXT:
        raise ConfigError(["--replicates, --pr and --number cannot be negative"])
    if not iterates:
        return values
    if values["number"] == NEXT:
        values["number"] = resolve_number(ctx.lab, values["step"], change_given(values))
    check_step(ctx.lab, values["number"], values["step"])
    check_number(ctx.lab, values["number"], values["step"])
    _check_same(ctx, values)
    return values


def _check_agents(ctx: LabContext, values: Mapping[str, Any]) -> None:
    """Raise UnknownName for an agent or analyst that is not there, ConfigError for a bad config."""
    analysts = [
        *split_names(values["analysts"]),
        *ctx.defaults.analysts,
        values.get("analyst", METRICS),
    ]
    for name in dict.fromkeys(analysts):
        if name != METRICS and ctx.analyst(name) is None:
            agent_config(ctx, name, "analyst")
    for name in filter(None, (values["agent"], ctx.defaults.agent)):
        agent_config(ctx, name)


def change_given(values: Mapping[str, Any]) -> str:
    """The change that the flags name: a branch, '#<pull>', or ''."""
    return str(values["branch"]) or (f"#{values['pr']}" if values["pr"] else "")


def _check_same(ctx: LabContext, values: Mapping[str, Any]) -> None:
    """Raise ConfigError if the iteration was prepared with other flags."""
    number = values["number"]
    path = ctx.lab.iteration(number, values["step"]) / "meta.json"
    meta = read_if_whole(path, IterationMeta)
    if meta is None:
        return
    wanted = tuple(m.alias for m in ctx.select_models(split_names(values["models"])))
    pairs: list[tuple[str, object, object]] = [
        ("--models", wanted, meta.asked_models or meta.models),
        ("--plans", split_names(values["plans"]), meta.plans[Split.TRAIN]),
        ("--replicates", values["replicates"], meta.replicates),
        ("--analysts", split_names(values["analysts"]), meta.analysts),
        ("--agent", str(values["agent"]), meta.agent),
        ("--branch or --pr", change_given(values), meta.given),
        ("--from", values["from"], meta.start),
        ("--follow-up", values["follow_up"], meta.follow_up_of),
        ("--race", values.get("race", 1) if values.get("race", 1) > 1 else 0, meta.race),
        ("--rivals", split_names(values.get("rivals", "")), meta.rivals),
    ]
    faults = [
        f"{flag}: iteration {number} was prepared with {_typed(was)}, not {_typed(now)}: leave the "
        "flag out to go on with it, or name a new iteration with --number"
        for flag, now, was in pairs
        if now and now != was
    ]
    if faults:
        raise ConfigError(faults)


def _typed(value: object) -> str:
    """A flag's value as a person types it."""
    return repr(join_names(map(str, value)) if isinstance(value, tuple) else value)
