"""One iteration for its use cases: the lab, the options of the command, the folder."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from prompt_lab.experiments.context import LabContext
from prompt_lab.names import split_names
from prompt_lab.store.files import write_text


@dataclass(frozen=True)
class Experiment:
    """One iteration of a step. The options have the meaning of the command's flags.

    `models`, `plans` and `analysts` are names with commas between them; '' and 0 mean the default.
    """

    context: LabContext
    step: str
    number: int
    models: str = ""
    plans: str = ""
    branch: str = ""
    pr: int = 0
    agent: str = ""
    analysts: str = ""
    start: str = ""
    """The version that the candidate starts from, as --from names it; '' for main."""
    follow_up: int = 0
    replicates: int = 0
    race: int = 1
    """How many strategies are screened on one baseline; the best goes on."""
    rivals: str = ""
    """Further branches, with commas between them, to be screened beside `branch`."""
    skip_implement: bool = False
    skip_runner: bool = False
    force_model: bool = False
    """Whether models run that routing keeps from the step."""
    policy: str = ""
    """A file of configs/policies instead of lab.yaml's; read when the iteration is prepared."""
    awaits_approval: bool = False
    """Whether a person promotes after a YES; read when the iteration is prepared."""

    @property
    def folder(self) -> Path:
        """The iteration's folder in analysis/."""
        return self.context.lab.iteration(self.number, self.step)

    @property
    def policy_name(self) -> str:
        """The policy that a new iteration is prepared with."""
        return self.policy or self.context.defaults.policy

    @property
    def change_ref(self) -> str:
        """The change that the command names: a branch, '#<pull>', or ''."""
        return self.branch or (f"#{self.pr}" if self.pr else "")

    @property
    def model_names(self) -> tuple[str, ...]:
        """The models that the command names."""
        return split_names(self.models)

    @property
    def analyst_names(self) -> tuple[str, ...]:
        """The analysts that the command names."""
        return split_names(self.analysts)

    def with_options(self, **options: Any) -> Self:
        """The same experiment with other options."""
        return replace(self, **options)

    def write(self, file: str, text: str) -> None:
        """Write a file of the iteration, atomically."""
        write_text(self.folder / file, text)
