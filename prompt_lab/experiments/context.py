"""A lab with its configs and the adapters that they name. Adapters are made on first use."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Protocol

from prompt_lab.config.agents import AgentConfig
from prompt_lab.config.base import load
from prompt_lab.config.lab import LabConfig, StepConfig, TargetConfig, with_mode
from prompt_lab.config.models import ModelConfig
from prompt_lab.config.profiles import profile_path, read_profile, without_class
from prompt_lab.decide.verdict import Policy
from prompt_lab.errors import ConfigError, ModelUnavailable, UnknownName
from prompt_lab.experiments.gateways import Gateways
from prompt_lab.lazy import call_on_use
from prompt_lab.own_process import ModelGateway, TargetLocation
from prompt_lab.ports import CodeHost, LabRepository, Llm, PromptSource, StepAdapter, Workspace
from prompt_lab.ports.model_router import ModelRouter
from prompt_lab.ports.prompt_routes import PromptRoutes
from prompt_lab.store.iterations import IterationMeta
from prompt_lab.store.layout import Lab
from prompt_lab.store.variants import read_variants

if TYPE_CHECKING:
    from prompt_lab.analyze.analyst import Analyst
    from prompt_lab.experiments.call_budget import BudgetedLlm, CallBudget
    from prompt_lab.experiments.extensions import CheckedAnalyst, make_strategies
    from prompt_lab.experiments.fallbacks import Fallbacks
    from prompt_lab.experiments.noted_calls import NotedLlm
    from prompt_lab.experiments.project import ConfigFiles
    from prompt_lab.experiments.routed_calls import RoutedLlm
    from prompt_lab.propose.model import Strategy

call_on_use(
    globals(),
    {
        "prompt_lab.experiments.call_budget": "BudgetedLlm",
        "prompt_lab.experiments.extensions": "CheckedAnalyst make_strategies",
        "prompt_lab.experiments.fallbacks": "Fallbacks",
        "prompt_lab.experiments.noted_calls": "NotedLlm",
        "prompt_lab.experiments.project": "ConfigFiles",
        "prompt_lab.experiments.routed_calls": "RoutedLlm",
    },
)


class AdapterLoader(Protocol):
    """Finds adapters by kind ('llm', 'step', 'code_host', …) and name."""

    def __call__(self, kind: str, name: str) -> Any:
        """The class, or raises UnknownName."""


@dataclass
class LabContext:
    """One lab with its configs. Adapters are made on first use and kept."""

    lab: Lab
    configs: Path
    load_adapter: AdapterLoader
    adapter_names: Callable[[str], tuple[str, ...]]
    """Every name that `load_adapter` knows of a kind, besides dotted paths."""
    pages_url: str = ""
    shipped: Path | None = None
    """The shipped configs, used where the lab's own have none."""
    project: Path | None = None
    """A promptlab.yaml, whose sections come before the files of `configs`."""
    make_router: Callable[[LabContext], ModelRouter] | None = None
    """What enforces the lab's routing table; None: every model may do everything."""
    make_prompt_routes: Callable[[LabContext], PromptRoutes] | None = None
    """What prepares the prompts of our own calls; None: they are sent as they are."""
    call_budget: CallBudget | None = None
    """What this command may call and spend; None: as much as it needs."""
    _llms: dict[tuple[str, str], Llm] = field(default_factory=dict)
    _steps: dict[str, tuple[object, StepAdapter]] = field(default_factory=dict)
    _hosts: dict[str, CodeHost] = field(default_factory=dict)
    _workspaces: dict[str, Workspace] = field(default_factory=dict)
    _gateways: Gateways | None = None

    @cached_property
    def files(self) -> ConfigFiles:
        """Where the configs are looked for."""
        return ConfigFiles(self.configs, self.shipped, self.project)

    @cached_property
    def defaults(self) -> LabConfig:
        """lab.yaml of the lab where it has one, else of promptlab.yaml or configs/."""
        return self.read_defaults()

    def read_defaults(self) -> LabConfig:
        """The same as it is on the disk now. Raises ConfigError."""
        own = self.lab.root / "lab.yaml"
        found = load(own, LabConfig) if own.exists() else self.files.defaults()
        return with_mode(found, os.environ.get("PROMPTLAB_GATEWAY", ""))

    @cached_property
    def router(self) -> ModelRouter | None:
        """The lab's router, or None."""
        return self.make_router(self) if self.make_router else None

    @cached_property
    def prompt_routes(self) -> PromptRoutes | None:
        """What prepares the prompts of our own calls, or None."""
        return self.make_prompt_routes(self) if self.make_prompt_routes else None

    @cached_property
    def models(self) -> dict[str, ModelConfig]:
        """Every model by its alias, removed ones included; those of a profile come first."""
        own = self.files.entries("models", ModelConfig)
        profile = profile_path(os.environ, self.configs)
        found = own | read_profile(profile, os.environ) if profile else own
        return found | read_variants(self.lab)

    def select_models(self, names: Sequence[str]) -> list[ModelConfig]:
        """Models by alias or short name, each once. Raises UnknownName."""
        if not names:
            return []
        by_name = {m.short: m for m in self.models.values() if m.short} | self.models
        chosen: dict[str, ModelConfig] = {}
        for name in names:
            if name not in by_name:
                raise UnknownName("model", name, by_name, self.files.place("models"))
            chosen[by_name[name].alias] = by_name[name]
        return list(chosen.values())

    def choose_models(
        self, names: Sequence[str], step: str, flag: str = "--models"
    ) -> list[ModelConfig]:
        """Models by name.

        Raises ModelUnavailable with all reasons if the step cannot use them all.
        """
        chosen = self.select_models(names)
        reasons = [f"  {m.alias}: {why}" for m in chosen if (why := self.why_not(m, step))]
        if reasons:
            raise ModelUnavailable(
                "Nothing was run, since some models cannot be used:\n"
                + "\n".join(reasons)
                + f"\nFix that, or name other models with {flag}."
            )
        return chosen

    def why_not(self, model: ModelConfig, step: str = "") -> str | None:
        """Why a model cannot be used, by the step if given; None if it can."""
        if model.status == "removed":
            return f"was removed: {model.reason}"
        if step and self.runs_in_own_process(step):
            if self.defaults.gateway.mode == "replay":
                return None
            if model.provider == "scripted":
                return f"has no base URL, and step {step!r} calls models from its own process"
        return self.llm(model.alias).check()

    def llm(self, alias: str) -> Llm:
        """The model behind an alias, as runs ask it: by the client that its config says."""
        return self._llm(alias, "llm_sdk" if self.models[alias].client == "sdk" else "llm")

    def sdk_llm(self, alias: str, route: str, *, fixed: str = "") -> Llm:
        """The same by its vendor's SDK, for the few calls of analysts, judges and agents.

        `route` is one of COVERED_ROUTES; '' where its caller has prepared the prompt. `fixed`: the
        template that its trial began with.
        """
        llm = self._llm(alias, "llm_sdk")
        if not route or self.prompt_routes is None:
            return llm
        return RoutedLlm(llm, self.prompt_routes, route, alias, fixed)

    def _llm(self, alias: str, kind: str) -> Llm:
        config = self.models[alias]
        path = (kind, alias)
        if path not in self._llms:
            made: Llm = self.load_adapter(kind, config.provider)(config)
            self._llms[path] = NotedLlm(alias, made, self.router) if self.router else made
        llm = self._llms[path]
        return BudgetedLlm(config, llm, self.call_budget) if self.call_budget else llm

    def llm_of(self, aliases: Sequence[str]) -> Llm:
        """The first of several models, with the others as its fallbacks."""
        models = {alias: self.llm(alias) for alias in aliases}
        resting = self.router.is_resting if self.router else None
        return Fallbacks(models, resting) if len(models) > 1 else models[aliases[0]]

    def step(self, name: str) -> StepConfig:
        """configs/steps/<name>.yaml."""
        return self.files.entry("steps", StepConfig, "step", name)

    def adapter(self, name: str) -> StepAdapter:
        """The adapter that runs a step; kept as long as its config stays as it is."""
        config = self.step(name)
        kind, location = self.load_adapter("step", config.adapter), None
        if kind.in_own_process:
            target = self.target(config.target)
            location = TargetLocation(target, self.repository(target), self._home_of(config))
        known = self._steps.get(name)
        if known is None or known[0] != (config, location):
            if known is not None:
                known[1].close()
            adapter = self._make_step(kind, config, location)
            atexit.register(adapter.close)
            self._steps[name] = ((config, location), adapter)
        return self._steps[name][1]

    def _make_step(
        self, kind: Any, config: StepConfig, location: TargetLocation | None
    ) -> StepAdapter:
        given: dict[str, Any] = {}
        if config.score:
            if not getattr(kind, "takes_scorer", False):
                raise ConfigError(
                    [
                        f"{self.configs / 'steps' / config.name}.yaml: score: the adapter "
                        f"{config.adapter!r} scores by itself; leave 'score' out"
                    ]
                )
            self._find_scorer_module(config)
            given["scorer"] = self.load_adapter("scorer", config.score)
        if config.checks and not getattr(kind, "takes_checks", False):
            raise ConfigError(
                [
                    f"{self.files.place('steps', config.name)}: checks: the adapter "
                    f"{config.adapter!r} scores by itself; use the adapter 'prompt_file', or leave "
                    "'checks' out"
                ]
            )
        adapter: StepAdapter = kind(*filter(None, (config, location)), **given)
        return adapter

    def _find_scorer_module(self, config: StepConfig) -> None:
        """Let 'score: my_module:function' name a module beside promptlab.yaml.

        Raises ConfigError for a file of the target, whose candidates could change their own score.
        """
        name = config.score.partition(":")[0].partition(".")[0]
        files = (self.home / f"{name}.py", self.home / name / "__init__.py")
        file = next((file for file in files if file.is_file()), None)
        if ":" not in config.score or file is None:
            return
        if file.resolve().is_relative_to(self.repository(self.target(config.target))):
            place = self.files.place("steps", config.name)
            raise ConfigError(
                [
                    f"{place}: score: {file} lies in the target's repository, so a candidate could"
                    " change its own score. Install it as a package, or move the project"
                ]
            )
        if str(self.home) not in sys.path:
            sys.path.append(str(self.home))

    def strategies(self) -> dict[str, Strategy]:
        """Every strategy by its name, in order of preference."""
        names = (*self.adapter_names("strategy"), *self.defaults.strategies)
        return make_strategies(self.load_adapter, names)

    def analyst(self, name: str) -> Analyst | None:
        """The deterministic analyst of that name or dotted path; None for any other name."""
        if ":" not in name and name not in self.adapter_names("analyst"):
            return None
        return CheckedAnalyst(self.load_adapter("analyst", name), repr(name))

    def prompt_source(self, target: str) -> PromptSource:
        """Where the prompts of a target come from."""
        source: PromptSource = self.load_adapter("prompt_source", "git")(self.workspace(target))
        return source

    def runs_in_own_process(self, step: str) -> bool:
        """Whether a step runs in a process of its own, under the target's interpreter."""
        return bool(self.load_adapter("step", self.step(step).adapter).in_own_process)

    def gateway(self, aliases: Iterable[str]) -> ModelGateway:
        """The gateway to these models for steps in their own process, cached."""
        models = [without_class(self.models[alias]) for alias in sorted(set(aliases))]
        if self._gateways is None:
            routing = self.router.gateway_routing() if self.router else None
            self._gateways = Gateways(self.load_adapter, routing)
        return self._gateways.between(models, self.defaults.gateway, self.lab.root.resolve())

    def close_gateways(self) -> None:
        """End the gateways of this process. A further run starts one again."""
        if self._gateways is not None:
            self._gateways.close()

    @property
    def home(self) -> Path:
        """The folder that relative paths in configs refer to."""
        return self.configs.resolve().parent

    def _home_of(self, config: StepConfig) -> Path:
        """Where a step's `file` starts; a copy of shipped configs uses the shipped file."""
        shipped = self.shipped.resolve().parent if self.shipped else None
        if shipped and not (self.home / config.file).exists() and (shipped / config.file).exists():
            return shipped
        return self.home

    def target(self, name: str) -> TargetConfig:
        """configs/targets/<name>.yaml."""
        return self.files.entry("targets", TargetConfig, "target", name)

    def repository(self, target: TargetConfig) -> Path:
        """The path of the target's repository."""
        return (self.lab.root / Path(target.repository).expanduser()).resolve()

    def workspace(self, name: str) -> Workspace:
        """Commits and worktrees of a target."""
        if name not in self._workspaces:
            target = self.target(name)
            self._workspaces[name] = self.load_adapter("workspace", "git")(
                self.repository(target), self.lab.work / name, target.main
            )
        return self._workspaces[name]

    def lab_repository(self) -> LabRepository:
        """The lab's own git history."""
        repository: LabRepository = self.load_adapter("lab_repository", "git")(self.lab.root)
        return repository

    def code_host(self, name: str) -> CodeHost:
        """The code host of a target's pull requests."""
        if name not in self._hosts:
            target = self.target(name)
            kind, repository = (
                self.load_adapter("code_host", target.code_host),
                self.repository(target),
            )
            if target.github is not None:
                self._hosts[name] = kind(target.github, repository)
            else:
                self._hosts[name] = kind(self.lab.pulls, repository, self.lab.work / name)
        return self._hosts[name]

    @contextmanager
    def temporary_work_folder(self) -> Iterator[None]:
        """Make clones in a temporary folder until the block ends, so that the lab is only read."""
        work = self.lab.work
        self._workspaces.clear()
        self._hosts.clear()
        with TemporaryDirectory(prefix="prompt-lab-") as folder:
            self.lab.work = Path(folder)
            try:
                yield
            finally:
                self.lab.work = work
                self._workspaces.clear()
                self._hosts.clear()

    def policy(self, name: str) -> Policy:
        """configs/policies/<name>.yaml."""
        return self.files.entry("policies", Policy, "policy", name)

    def agent_configs(self) -> dict[str, AgentConfig]:
        """configs/agents/*.yaml by name."""
        return self.files.entries("agents", AgentConfig)

    def policy_of(self, meta: IterationMeta) -> Policy:
        """The policy that an iteration was prepared with."""
        return meta.judged_by or self.policy(meta.policy)

    def page(self, path: Path) -> str:
        """The address under which a user opens a file of the lab: its URL if pages are served."""
        if self.pages_url:
            return f"{self.pages_url.rstrip('/')}/{self.lab.relative(path)}"
        return str(path)
