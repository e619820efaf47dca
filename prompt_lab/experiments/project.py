"""promptlab.yaml: a whole project in one file, and the other sources of its configs."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, Field, model_validator

from prompt_lab.config.agents import AgentConfig
from prompt_lab.config.base import Config, load, load_folder
from prompt_lab.config.lab import LabConfig, StepConfig, TargetConfig
from prompt_lab.config.models import ModelConfig
from prompt_lab.config.registries import RegistryConfig
from prompt_lab.config.suites import SuiteConfig
from prompt_lab.decide.policy import Policy
from prompt_lab.errors import UnknownName

PROJECT_FILE = "promptlab.yaml"
NAME_KEYS = {
    "targets": "name",
    "steps": "name",
    "models": "alias",
    "policies": "name",
    "agents": "name",
    "suites": "name",
    "registries": "name",
}
"""section of promptlab.yaml, or folder of configs -> the key that takes the entry's name."""
C = TypeVar("C", bound=BaseModel)


class ProjectConfig(Config):
    """promptlab.yaml: what the files of a folder of configs hold, section by section."""

    lab: str = Field(default="lab", min_length=1, description="folder of the lab")
    configs: str = Field(
        default="configs", min_length=1, description="folder of further YAML files; may be absent"
    )
    defaults: LabConfig = Field(description="what configs/lab.yaml holds")
    targets: dict[str, TargetConfig] = {}
    steps: dict[str, StepConfig] = {}
    models: dict[str, ModelConfig] = {}
    policies: dict[str, Policy] = {}
    agents: dict[str, AgentConfig] = {}
    suites: dict[str, SuiteConfig] = {}
    registries: dict[str, RegistryConfig] = {}

    @model_validator(mode="before")
    @classmethod
    def _name_entries(cls, data: Any) -> Any:
        """Give each entry the name of its key."""
        if not isinstance(data, dict):
            return data
        named = dict(data)
        for section, key in NAME_KEYS.items():
            entries = data.get(section)
            if section in data and entries is None:
                named[section] = {}  # all of its lines are comments
            elif isinstance(entries, dict):
                named[section] = {
                    name: {**entry, key: name} if isinstance(entry, dict) else entry
                    for name, entry in entries.items()
                }
        return named


def read_project(path: Path) -> ProjectConfig:
    """The file, read again once it has changed. Raises ConfigError with file, line and key."""
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        changed = 0
    return _read_project(path.absolute(), path, changed)


@lru_cache(maxsize=4)
def _read_project(_absolute: Path, path: Path, _changed: int) -> ProjectConfig:
    return load(path, ProjectConfig)


@dataclass(frozen=True)
class ConfigFiles:
    """The sources of configs: promptlab.yaml, then a folder, then the shipped ones."""

    folder: Path
    shipped: Path | None = None
    project: Path | None = None

    def defaults(self) -> LabConfig:
        """What an iteration uses when the command line does not say otherwise."""
        if self.project is not None:
            return read_project(self.project).defaults
        return load(self.folder / "lab.yaml", LabConfig)

    def entries(self, section: str, kind: type[C]) -> dict[str, C]:
        """All configs of a kind by name; the shipped ones if this folder has none."""
        folder = self.folder / section
        if not folder.is_dir() and self.shipped is not None:
            folder = self.shipped / section
        return load_folder(folder, kind, NAME_KEYS[section]) | dict(self._written(section))

    def entry(self, section: str, kind: type[C], what: str, name: str) -> C:
        """One config by name. Raises UnknownName, or ConfigError."""
        written = self._written(section)
        if name in written:
            found: C = written[name]
            return found
        for folder in self._folders(section):
            known = {path.stem: path for path in folder.glob("*.yaml")}
            if name in known:
                return load(known[name], kind, **{NAME_KEYS[section]: name})
        raise UnknownName(what, name, self.names(section), self.place(section))

    def names(self, section: str) -> set[str]:
        """The names of all configs of a kind."""
        files = (path.stem for folder in self._folders(section) for path in folder.glob("*.yaml"))
        return {*self._written(section), *files}

    def place(self, section: str, name: str = "") -> str:
        """The place of configs of a kind, or of one by name, for messages."""
        if self.project is not None and (not name or name in self._written(section)):
            return f"{self.project} ({'.'.join(filter(None, (section, name)))})"
        return str(self.folder / section / f"{name}.yaml" if name else self.folder / section)

    def prompt(self, name: str) -> Path:
        """A template of the folder `prompts`, else the shipped one of that name."""
        own = self.folder / "prompts" / name
        return self.shipped / "prompts" / name if self.shipped and not own.exists() else own

    def existing(self) -> tuple[Path, ...]:
        """The folder and the project's file, if they exist."""
        paths = (self.folder, *([self.project] if self.project else []))
        return tuple(path.resolve() for path in paths if path.exists())

    def _written(self, section: str) -> Mapping[str, Any]:
        if self.project is None:
            return {}
        found: Mapping[str, Any] = getattr(read_project(self.project), section)
        return found

    def _folders(self, section: str) -> list[Path]:
        """The project's folder; also the shipped one for policies, or if there is no folder."""
        folders = [self.folder / section]
        falls_back = section in ("policies", "suites") or (
            section in ("models", "agents") and not folders[0].is_dir()
        )
        if self.shipped is not None and falls_back and self.shipped != self.folder:
            folders.append(self.shipped / section)
        return folders
