"""What the task engine needs."""

from dataclasses import dataclass

from prompt_lab.ports.command_runner import CommandRunner
from prompt_lab.ports.git_command import GitFactory


@dataclass(frozen=True)
class TaskTools:
    """What the task engine needs from the outside world."""

    commands: CommandRunner
    git: GitFactory
