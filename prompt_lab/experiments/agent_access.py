"""Create agents from their configs, and collect the keys that no file may contain."""

import os

from prompt_lab.agents.port import Agent, Copies
from prompt_lab.config.agents import AgentConfig
from prompt_lab.config.model_keys import keys_of
from prompt_lab.errors import UnknownName
from prompt_lab.experiments.context import LabContext

_SECRET = ("_KEY", "_TOKEN", "_SECRET", "_PASSWORD")


def agent_config(ctx: LabContext, name: str, what: str = "agent") -> AgentConfig:
    """The config configs/agents/<name>.yaml, or one made from a model's name.

    Raises UnknownName.
    """
    files = ctx.files
    known = files.names("agents")
    if name in known:
        return files.entry("agents", AgentConfig, "agent", name)
    models = {*ctx.models, *(m.short for m in ctx.models.values() if m.short)}
    if name not in models:
        known |= set(ctx.adapter_names("analyst")) if what == "analyst" else set()
        where = f"{files.place('agents')} and {files.place('models')}"
        raise UnknownName(what, name, known | models, where)
    return AgentConfig(name=name, kind="api", model=name)


def agent(ctx: LabContext, config: AgentConfig) -> Agent:
    """Create the agent of a config. Raises UnknownName for an unknown model."""
    kind = ctx.load_adapter("agent", config.kind)
    made: Agent
    if config.kind == "api":
        [model] = ctx.select_models([config.model])
        made = kind(config, lambda: ctx.sdk_llm(model.alias, ""), model)
    else:
        made = kind(config)
    return made


def copies(ctx: LabContext, target: str) -> Copies:
    """Private copies of a target: its workspace makes them."""
    made = ctx.workspace(target)
    if not isinstance(made, Copies):
        raise TypeError(f"workspace of {target!r} makes no copies")
    return made


def secrets(ctx: LabContext) -> list[str]:
    """The values of all keys of this process, for removing them from every text that is written."""
    agents = ctx.agent_configs().values()
    names = {name for name in os.environ if name.upper().endswith(_SECRET)}
    names |= {model.key_env for model in ctx.models.values()}
    names |= {one.key_env for one in agents}
    names |= {name for one in agents for name in one.environment}
    found = {os.environ.get(name, "") for name in names}
    found |= {key for model in ctx.models.values() for key in keys_of(model, os.environ)}
    return sorted(found - {""})
