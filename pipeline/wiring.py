"""The composition root: which adapter answers to which name. The only module that imports adapters.

A name is one of the tables below, an entry point of a package (group `prompt_lab.<kind>`), or a
dotted path 'package.module:Class' in a config.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cache, lru_cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import luigi

from pipeline.settings import check_settings, default_configs, settings_folder
from prompt_lab.config.registries import RegistryConfig
from prompt_lab.errors import ConfigError, UnknownName
from prompt_lab.experiments.project import PROJECT_FILE
from prompt_lab.lazy import call_on_use
from prompt_lab.ports import TaskTools
from prompt_lab.report.terminal import say
from prompt_lab.store.layout import Lab

if TYPE_CHECKING:
    from prompt_lab.benchmark.lab_router import LabRouter
    from prompt_lab.deploy.remote import RemoteDeployer
    from prompt_lab.experiments.context import LabContext
    from prompt_lab.experiments.project import read_project
    from prompt_lab.ports.outcome_store import OutcomeStore
    from prompt_lab.ports.trace_store import Stores
    from prompt_lab.production.daily import ReviewDoors
    from prompt_lab.promptops.optimizer_run import OptimizerRun, open_run
    from prompt_lab.promptops.routes import LabPromptRoutes
    from prompt_lab.store.prompt_verdicts import open_registry

call_on_use(
    globals(),
    {
        "prompt_lab.benchmark.lab_router": "LabRouter",
        "prompt_lab.experiments.context": "LabContext",
        "prompt_lab.experiments.project": "read_project",
        "prompt_lab.deploy.remote": "RemoteDeployer",
        "prompt_lab.production.daily": "ReviewDoors",
        "prompt_lab.promptops.routes": "LabPromptRoutes",
        "prompt_lab.promptops.optimizer_run": "open_run",
        "prompt_lab.store.prompt_verdicts": "open_registry",
    },
)

ADAPTERS = {
    "llm": {
        "embedded": "adapters.llm.embedded:Embedded",
        "openai": "adapters.llm.wire:WireLlm",
        "openai_like": "adapters.llm.wire:WireLlm",
        "openrouter": "adapters.llm.wire:WireLlm",
        "anthropic": "adapters.llm.wire:WireLlm",
        "ollama": "adapters.llm.wire:WireLlm",
        "llama_index": "adapters.llm.llama_index_class:LlamaIndexClass",
        "scripted": "adapters.llm.scripted:Scripted",
    },
    "llm_sdk": {
        "embedded": "adapters.llm.embedded:Embedded",
        "openai": "adapters.llm.openai_like:OpenAiLike",
        "openai_like": "adapters.llm.openai_like:OpenAiLike",
        "openrouter": "adapters.llm.openai_like:OpenAiLike",
        "anthropic": "adapters.llm.anthropic:Anthropic",
        "ollama": "adapters.llm.ollama:OllamaLlm",
        "llama_index": "adapters.llm.llama_index_class:LlamaIndexClass",
        "scripted": "adapters.llm.scripted:Scripted",
    },
    "step": {
        "extract_invoice": "adapters.step.extract_invoice:ExtractInvoice",
        "classify_ticket": "adapters.step.classify_ticket:ClassifyTicket",
        "prompt_file": "adapters.step.prompt_file_config:ConfiguredPromptFile",
        "python_target": "adapters.step.python_target:PythonTarget",
        "luigi_task": "adapters.step.luigi_task:LuigiTask",
        "command": "adapters.step.command:CommandStep",
        "trace_turn": "adapters.step.trace_turn:TraceTurnStep",
        "prompted_question": "adapters.step.prompted_question:PromptedQuestion",
        "split_question": "adapters.step.split_question:SplitQuestion",
    },
    "code_host": {
        "local": "adapters.code_host.local:LocalHost",
        "github": "adapters.code_host.github:GitHubHost",
    },
    "workspace": {"git": "adapters.workspace.git:GitWorkspace"},
    "prompt_source": {"git": "adapters.workspace.prompt_source:GitPromptSource"},
    "scorer": {"composite": "prompt_lab.promptops.composite:score_answer"},
    "traces": {
        "jsonl": "adapters.traces.jsonl:JsonlTraces",
        "openai-chat": "adapters.traces.openai_chat:OpenAiChats",
        "langfuse": "adapters.traces.langfuse:LangfuseTraces",
        "openinference": "adapters.traces.openinference:OpenInferenceTraces",
    },
    "stores": {"supabase": "adapters.traces.postgrest:open_supabase"},
    "analyst": {"metrics": "prompt_lab.analyze.analyst:MetricsAnalyst"},
    "strategy": {
        "align_with_schema": "prompt_lab.propose.align:AlignWithSchema",
        "state_contract": "prompt_lab.propose.contract:StateContract",
        "examples_by_contrast": "prompt_lab.propose.examples:ExamplesByContrast",
        "examples_compact": "prompt_lab.propose.examples:ExamplesCompact",
        "compress": "prompt_lab.propose.compress:Compress",
    },
    "lab_repository": {"git": "adapters.workspace.lab_repository:LabRepository"},
    "git": {
        "git": "adapters.git:Git",
        "create": "adapters.workspace.new_repository:create_repository",
        "exclude": "adapters.workspace.lab_exclude:exclude_lab_files",
        "exclude_paths": "adapters.workspace.lab_exclude:exclude_paths",
    },
    "sandbox": {"why_not": "adapters.sandbox.bubblewrap:why_no_sandbox"},
    "commands": {"sandbox": "adapters.sandbox.commands:SandboxedCommands"},
    "agent": {
        "claude_code": "adapters.agent.claude_code:ClaudeCode",
        "codex": "adapters.agent.codex:Codex",
        "api": "adapters.agent.api:ApiAgent",
        "scripted": "adapters.agent.scripted:ScriptedAgent",
    },
    "gateway": {"local": "adapters.gateway.sessions:GatewaySessions"},
    "embedded_pool": {"shared": "adapters.llm.embedded_pool:shared_pool"},
    "registry": {
        "folder": "adapters.registry.folder:FolderPrompts",
        "promptlayer": "adapters.registry.promptlayer:PromptLayer",
        "langfuse": "adapters.registry.langfuse:Langfuse",
    },
    "chat": {
        "terminal": "adapters.chat.terminal:TerminalChat",
        "green_api": "adapters.chat.green_api:open_green_api",
    },
    "chat_webhook": {"green_api": "adapters.chat.green_api:parse_webhook"},
    "recordings": {"keyed": "adapters.gateway.keyed:write_answers"},
}
"""Imported on first use, since imports are expensive."""


@cache
def load_adapter(kind: str, name: str) -> Any:
    """The class of an adapter. Raises UnknownName, or ConfigError where it cannot be imported."""
    table = ADAPTERS.get(kind, {})
    path = table.get(name, name if ":" in name else "")
    if path:
        return import_object(path)
    found = entry_points(group=f"prompt_lab.{kind}")
    if name in found.names:
        return import_object(found[name].value)
    raise UnknownName(f"{kind} adapter", name, {*table, *found.names}, "pipeline/wiring.py")


@cache
def adapter_names(kind: str) -> tuple[str, ...]:
    """Every name of a kind: our own in the order of the table, then those of installed packages."""
    found = sorted(entry_points(group=f"prompt_lab.{kind}").names)
    return tuple(dict.fromkeys((*ADAPTERS.get(kind, {}), *found)))


def import_object(path: str) -> Any:
    """What 'package.module:attribute' names. Raises ConfigError."""
    module, _, attribute = path.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError([f"{path!r} cannot be imported: {error}"]) from error


@cache
def task_tools() -> TaskTools:
    """What the task engine of this process uses: commands in a sandbox, and git."""
    commands = load_adapter("commands", "sandbox")()
    return TaskTools(commands, partial(load_adapter("git", "git"), ours=False))


def stores(context: LabContext) -> Stores:
    """Traces and review sessions of a lab. Raises StoreError.

    PROMPTLAB_STORE, else `production: store:` of lab.yaml, is a database's URL; without both it is
    the REST API of the Supabase project SUPABASE_URL, else state.db in the lab.
    """
    url = os.environ.get("PROMPTLAB_STORE") or context.defaults.production.store
    if not url and os.environ.get("SUPABASE_URL"):
        rest: Stores = load_adapter("stores", "supabase")(os.environ)
        return rest
    # SQLAlchemy takes a while to import, which most commands can do without.
    opened: Stores = import_object("prompt_lab.store.database.engine:open_stores")(context.lab, url)
    return opened


def optimizer_run(context: LabContext, now: str) -> OptimizerRun:
    """What a round of the optimizer works on. Raises StoreError."""
    rewriter = context.defaults.promptops.optimizer.rewriter
    model = context.select_models([rewriter])[0].alias if rewriter else ""
    return open_run(context, outcomes(context), now, rewriter=model)


def outcomes(context: LabContext) -> OutcomeStore:
    """The outcome log of a lab, in the database that `stores` names. Raises StoreError."""
    url = os.environ.get("PROMPTLAB_STORE") or context.defaults.production.store
    opened: OutcomeStore = import_object("prompt_lab.store.database.engine:open_outcomes")(
        context.lab, url
    )
    return opened


def review_doors(context: LabContext, *, replies: Iterable[str] = ()) -> ReviewDoors:
    """The chat of the daily review, and the remote registries that follow the lab's.

    `replies` are what a person types, where the chat is the terminal.
    """
    files = open_registry(context.lab).files
    publishers = {
        name: RemoteDeployer(files, load_adapter("registry", remote.kind)(remote), remote)
        for name, remote in context.files.entries("registries", RegistryConfig).items()
    }
    name = context.defaults.production.chat
    if name == "terminal":
        journal = context.lab.root / "reviews" / "terminal.jsonl"
        chat = load_adapter("chat", name)(journal, say, replies)
        return ReviewDoors(chat, chat_id=name, publishers=publishers)
    chat_id = os.environ.get("WHATSAPP_ALLOWED_CHAT_ID", "")
    return ReviewDoors(load_adapter("chat", name)(), chat_id=chat_id, publishers=publishers)


class lab(luigi.Config):
    """The section [lab] of luigi.cfg."""

    root = luigi.Parameter(default="lab", description="the lab; PROMPTLAB_ROOT overrides it")
    configs = luigi.Parameter(
        default="", description="folder of configs; PROMPTLAB_CONFIGS overrides it"
    )
    sandbox = luigi.Parameter(
        default="", description="none: run code of others without any; PROMPTLAB_SANDBOX overrides"
    )
    pages_url = luigi.Parameter(default="", description="where a web server shows the lab's pages")


def lab_context() -> LabContext:
    """The context of this process, by luigi.cfg and the environment."""
    check_settings()
    root, configs = os.environ.get("PROMPTLAB_ROOT"), os.environ.get("PROMPTLAB_CONFIGS")
    return cached_context(root, configs, Path.cwd(), has_project=Path(PROJECT_FILE).is_file())


@lru_cache(maxsize=4)
def cached_context(
    root: str | None, configs: str | None, _folder: Path, *, has_project: bool
) -> LabContext:
    """One context for each lab, since luigi reads its section slowly."""
    section = lab()
    if section.sandbox:
        os.environ.setdefault("PROMPTLAB_SANDBOX", section.sandbox)
    base = settings_folder()
    if not configs and (has_project or (base / PROJECT_FILE).is_file()):
        return project_context(Path() if has_project else base, root, section.pages_url)
    own = base / section.configs if section.configs else default_configs()
    return LabContext(
        Lab(Path(root) if root else base / section.root),
        Path(configs) if configs else own,
        load_adapter,
        adapter_names,
        section.pages_url,
        shipped=default_configs(),
        make_router=LabRouter,
        make_prompt_routes=LabPromptRoutes,
    )


def project_context(folder: Path, root: str | None = None, pages_url: str = "") -> LabContext:
    """The context of the folder's promptlab.yaml; `root` overrides its lab. Raises ConfigError."""
    path = folder / PROJECT_FILE
    project = read_project(path)
    return LabContext(
        Lab(Path(root) if root else folder / project.lab),
        folder / project.configs,
        load_adapter,
        adapter_names,
        pages_url,
        shipped=default_configs(),
        project=path,
        make_router=LabRouter,
        make_prompt_routes=LabPromptRoutes,
    )


def open_context(folder: Path, configs: Path | None = None) -> LabContext:
    """The context of the project, or of the lab, in a folder. Both paths are absolute.

    `configs` comes before the folder's promptlab.yaml; without both a lab has the shipped configs.
    """
    if configs is None and (folder / PROJECT_FILE).is_file():
        return project_context(folder)
    shipped = default_configs()
    return LabContext(
        Lab(folder),
        configs or shipped,
        load_adapter,
        adapter_names,
        shipped=shipped,
        make_router=LabRouter,
        make_prompt_routes=LabPromptRoutes,
    )
