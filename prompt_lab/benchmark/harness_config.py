"""The harness's configuration: layered, validated, versioned; each improvement can be undone."""

import json
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from prompt_lab.benchmark.folders import benchmarks_folder
from prompt_lab.config.base import Config, load
from prompt_lab.config.lab import check_inside_target
from prompt_lab.config.models import CallSettings
from prompt_lab.config.routing import RoutingSwitches
from prompt_lab.errors import ConfigError, StoreError
from prompt_lab.experiments.context import LabContext
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import create_record, read_record
from prompt_lab.store.layout import Lab

FILE = "benchmark.yaml"


class WarmUpConfig(Config):
    """How a model is warmed up before a suite."""

    enabled: bool = Field(default=False, description="for all models; --enable-warmup for one run")
    models: tuple[str, ...] = Field(default=(), description="models of which a test said YES")
    prompt: str = "What is 2+2?"
    seconds: float = Field(default=10.0, gt=0, description="limit of the call")
    keep_alive_seconds: float = Field(
        default=300.0, gt=0, description="after a longer idle the model is warmed up again"
    )
    keep_alive_of: dict[str, float] = Field(
        default={}, description="model -> its own keep-alive, where it differs"
    )


class PolicyGates(Config):
    """When a model is routed away from a phase."""

    extended_phase_min_accuracy: float = Field(default=0.30, ge=0, le=1)
    min_accuracy: dict[str, float] = Field(default={}, description="the same for other phases")
    provisional_below: int = Field(
        default=20, ge=1, description="with fewer answers the point decides, provisionally"
    )
    recent_runs: int = Field(default=8, ge=1, description="benchmarks that feedback looks at")


class ModelTuning(Config):
    """What a cycle of the meta loop has shown to be better than a model's own settings."""

    model: str = Field(min_length=1, description="alias that runs in the model's place")
    base: str = Field(
        default="", description="model whose other settings the alias has; '' for a model as it is"
    )
    settings: CallSettings | None = None
    timeout_seconds: float | None = Field(default=None, gt=0)
    retries: int | None = Field(default=None, ge=0, le=20)
    verdict: str = Field(description="where the verdict lies, relative to the lab")


class ConfigPulls(Config):
    """How a change that a cycle has shown to be better reaches a repository."""

    enabled: bool = Field(
        default=True, description="false: it is adopted in the lab alone, without a pull request"
    )
    target: str = Field(default="", description="a file of configs/targets; default: the step's")
    path: str = Field(default="prompt-lab/benchmark.yaml", description="the file in the target")
    merge: bool = Field(
        default=True, description="false: the pull request waits for a person, and so does the loop"
    )

    @field_validator("path")
    @classmethod
    def _check_inside(cls, value: str) -> str:
        return check_inside_target(value)


class HarnessConfig(Config):
    """configs/benchmark.yaml, with the versions of the lab on top."""

    warm_up: WarmUpConfig = WarmUpConfig()
    gates: PolicyGates = PolicyGates()
    routing: RoutingSwitches = RoutingSwitches()
    pull_requests: ConfigPulls = ConfigPulls()
    feedback_enabled: bool = True
    meta_loop_enabled: bool = True
    tuning_enabled: bool = True
    tuning: dict[str, ModelTuning] = Field(default={}, description="model::phase -> its tuning")


class ConfigVersion(Record):
    """One immutable version of the lab's layer."""

    version: int = VERSION
    number: int
    created: str
    actor: str
    reason: str
    values: dict[str, Any]
    source: str = Field(default="", description="the pull request that brought it, by its name")


def read_harness_config(ctx: LabContext) -> HarnessConfig:
    """Defaults, then configs/benchmark.yaml, then the lab's newest version. Raises ConfigError."""
    newest = newest_version(ctx.lab)
    if newest is None:
        return _lowest_layer(ctx)
    place = f"{versions_folder(ctx.lab) / f'{newest.number}.json'} over {ctx.configs / FILE}"
    return merge_layers(_lowest_layer(ctx), newest.values, place)


def _lowest_layer(ctx: LabContext) -> HarnessConfig:
    """Defaults, then configs/benchmark.yaml."""
    path = ctx.configs / FILE
    return load(path, HarnessConfig) if path.exists() else HarnessConfig()


def merge_layers(
    base: HarnessConfig, values: dict[str, Any], place: str = "benchmark config"
) -> HarnessConfig:
    """The config with values laid over it. Raises ConfigError with every fault, after `place`."""
    merged = overlay(base.model_dump(mode="json", exclude_unset=True), values)
    try:
        return HarnessConfig.model_validate(merged)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {_in_words(dict(e))}" for e in error.errors()]
        raise ConfigError([f"{place}: {fault}" for fault in faults]) from error


def _in_words(error: dict[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key; `prompt-lab benchmark config show` lists the keys"
    return str(error["msg"]).removeprefix("Value error, ")


def versions_folder(lab: Lab) -> Path:
    """The folder of the lab's versions."""
    return benchmarks_folder(lab) / "config"


def list_versions(lab: Lab) -> list[ConfigVersion]:
    """All versions, oldest first. Raises StoreError for a damaged one."""
    paths = versions_folder(lab).glob("[0-9]*.json")
    fix = "Restore it; or move it away, and the version before it counts"
    ordered = sorted(paths, key=lambda path: int(path.stem))
    return [read_record(path, ConfigVersion, fix=fix) for path in ordered]


def newest_version(lab: Lab) -> ConfigVersion | None:
    """The version that counts; None where the lab changed nothing."""
    found = list_versions(lab)
    return found[-1] if found else None


def save_version(
    ctx: LabContext,
    changes: dict[str, Any],
    *,
    actor: str,
    reason: str,
    now: str,
    source: str = "",
) -> ConfigVersion:
    """Validate and write the next version: the newest one with these changes over it.

    One that came from the same source is returned as it is: it is never adopted twice.
    """
    versions = list_versions(ctx.lab)
    known = [one for one in versions if source and one.source == source]
    if known:
        return known[-1]
    values = overlay(versions[-1].values if versions else {}, changes)
    return _append(ctx, values, actor=actor, reason=reason, now=now, source=source)


def improvements(values: dict[str, Any]) -> dict[str, Any]:
    """The part of a version that was shown by verdicts: what a pull request holds."""
    warm_up = values.get("warm_up", {})
    models = warm_up.get("models", []) if isinstance(warm_up, dict) else []
    return {"tuning": values.get("tuning", {}), "warm_up": {"models": list(models)}}


def roll_back(ctx: LabContext, to: int, *, actor: str, now: str) -> ConfigVersion:
    """Append a version with the values of an older one; a negative `to`: the one before."""
    versions = list_versions(ctx.lab)
    if not versions:
        raise StoreError(f"{versions_folder(ctx.lab)}: no version yet, so nothing to roll back")
    wanted = to if to >= 0 else versions[-1].number - 1
    by_number = {one.number: one.values for one in versions} | {0: {}}
    if wanted not in by_number:
        raise StoreError(f"version {wanted}: there is none; known: 0 to {versions[-1].number}")
    reason = f"rollback to version {wanted}"
    return _append(ctx, by_number[wanted], actor=actor, reason=reason, now=now)


def _append(
    ctx: LabContext,
    values: dict[str, Any],
    *,
    actor: str,
    reason: str,
    now: str,
    source: str = "",
) -> ConfigVersion:
    merge_layers(_lowest_layer(ctx), values)
    folder = versions_folder(ctx.lab)
    folder.mkdir(parents=True, exist_ok=True)
    newest = newest_version(ctx.lab)
    number = newest.number + 1 if newest else 1
    while True:
        version = ConfigVersion(
            number=number, created=now, actor=actor, reason=reason, values=values, source=source
        )
        if create_record(folder / f"{number}.json", version):
            return version
        number += 1


def overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` over `below`, key by key; None removes a key.

    >>> overlay({"a": {"b": 1, "c": 2}}, {"a": {"b": 3, "c": None}})
    {'a': {'b': 3}}
    """
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = overlay(merged[key], value)
        else:
            merged[key] = value
    return merged


def parse_assignment(text: str) -> dict[str, Any]:
    """`warm_up.enabled=true` as nested keys; the value is JSON, or text. Raises ConfigError.

    >>> parse_assignment("gates.recent_runs=4")
    {'gates': {'recent_runs': 4}}
    """
    name, found, raw = text.partition("=")
    if not found or not name:
        raise ConfigError([f"{text!r}: give key=value, such as warm_up.enabled=true"])
    try:
        value: Any = json.loads(raw)
    except ValueError:
        value = raw
    for key in reversed(name.split(".")):
        value = {key: value}
    return dict(value)
