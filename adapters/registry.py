"""Which adapter answers to which name: strings, imported on first use, since imports are dear."""

from importlib import import_module
from typing import Any

from prompt_lab.errors import UnknownName

LLM = {
    "embedded": "adapters.llm.embedded:Embedded",
    "openai": "adapters.llm.openai_like:OpenAiLike",
    "openai_like": "adapters.llm.openai_like:OpenAiLike",
    "openrouter": "adapters.llm.openai_like:OpenAiLike",
    "anthropic": "adapters.llm.anthropic:Anthropic",
    "ollama": "adapters.llm.ollama:OllamaLlm",
    "llama_index": "adapters.llm.llama_index_class:LlamaIndexClass",
    "scripted": "adapters.llm.scripted:Scripted",
}
STEP = {
    "extract_invoice": "adapters.step.extract_invoice:ExtractInvoice",
    "classify_ticket": "adapters.step.classify_ticket:ClassifyTicket",
    "python_target": "adapters.step.python_target:PythonTarget",
    "luigi_task": "adapters.step.luigi_task:LuigiTask",
    "command": "adapters.step.command:CommandStep",
}
OWN_PROCESS = frozenset({"python_target", "luigi_task", "command"})
"""Step adapters that run in the target's process: they are also told the Place."""
CODE_HOST = {
    "local": "adapters.code_host.local:LocalHost",
    "github": "adapters.code_host.github:GitHubHost",
}
WORKSPACE = {"git": "adapters.workspace.git:GitWorkspace"}
AGENT = {
    "claude_code": "adapters.agent.claude_code:ClaudeCode",
    "codex": "adapters.agent.codex:Codex",
    "api": "adapters.agent.api:ApiAgent",
    "scripted": "adapters.agent.scripted:ScriptedAgent",
}
GATEWAY = {"local": "adapters.gateway.sessions:GatewaySessions"}
_TABLES = {
    "agent": AGENT,
    "llm": LLM,
    "step": STEP,
    "code_host": CODE_HOST,
    "workspace": WORKSPACE,
    "gateway": GATEWAY,
}


def load(kind: str, name: str) -> Any:
    """The class of an adapter. Raises UnknownName for a name that is in no table."""
    table = _TABLES[kind]
    if name not in table:
        raise UnknownName(f"{kind} adapter", name, table, "adapters/registry.py")
    module, _, attribute = table[name].partition(":")
    return getattr(import_module(module), attribute)
