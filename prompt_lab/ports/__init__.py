"""What the rules need from the outside world, one protocol per file. Adapters implement these."""

from prompt_lab.ports.code_host import CodeHost
from prompt_lab.ports.command_runner import (
    Bounds,
    ChangeLayer,
    CommandFolder,
    CommandResult,
    CommandRunner,
)
from prompt_lab.ports.git_command import GitCommand, GitFactory
from prompt_lab.ports.lab_repository import LabRepository
from prompt_lab.ports.llm import Answer, Ask, Llm, Request
from prompt_lab.ports.prompt_source import PromptSource
from prompt_lab.ports.remote_prompts import RemotePrompts, RemoteVersion
from prompt_lab.ports.step import StepAdapter, StepJob
from prompt_lab.ports.task_tools import TaskTools
from prompt_lab.ports.workspace import Workspace

__all__ = [
    "Answer",
    "Ask",
    "Bounds",
    "ChangeLayer",
    "CodeHost",
    "CommandFolder",
    "CommandResult",
    "CommandRunner",
    "GitCommand",
    "GitFactory",
    "LabRepository",
    "Llm",
    "PromptSource",
    "RemotePrompts",
    "RemoteVersion",
    "Request",
    "StepAdapter",
    "StepJob",
    "TaskTools",
    "Workspace",
]
