"""A world whose prompt lives in Python: the target, its step file outside it, and the configs."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import luigi
import yaml

from pipeline.tasks.iteration import Iteration
from pipeline.wiring import cached_context
from prompt_lab.decide.verdict import Verdict
from tests.pipeline.lab_folder import LabFolder

REPOSITORY = Path(__file__).parents[2]
PLANNER = REPOSITORY / "examples/planner"
CORE = 'PROMPT = "List what matters."\n\n\ndef answer(note):\n    return PROMPT + note\n'
BETTER = CORE.replace("List", "List all of")
FILES = {"src/notes/__init__.py": "", "src/notes/core.py": CORE, "README.md": "Notes.\n"}
STEP = """
from pathlib import Path

NAME = "probe"
INPUTS = ("note.txt",)
OUTPUTS = ("answer.txt",)
IMPORT_ROOTS = ("src",)
PACKAGES = ("notes",)
PROMPT = "notes.core:PROMPT"


def execute(plan_dir, out_dir, models):
    from notes import core

    Path(out_dir, "answer.txt").write_text(core.answer(Path(plan_dir, "note.txt").read_text()))
    {body}


def score(plan_dir, out_dir):
    return {{"length": min(1.0, len(Path(out_dir, "answer.txt").read_text()) / 60)}}
"""
TARGET = {"repository": "target", "import_roots": ["src"], "packages": ["notes"]}
DUMMY = {"provider": "openai_like", "id": "none", "base_url": "http://127.0.0.1:9/v1"}


@dataclass
class TargetWorld(LabFolder):
    """Everything under one folder. `models` is alias -> config."""

    step: str = "probe"
    models: dict[str, dict[str, Any]] = field(default_factory=lambda: {"one": DUMMY})
    target_config: dict[str, Any] = field(default_factory=dict)
    lab_config: dict[str, Any] = field(default_factory=dict)

    def small(self, body: str = "return {}", plans: int = 3) -> "TargetWorld":
        """A target of one module that asks no model; `body` ends its execute()."""
        step = {"adapter": "python_target", "target": "notes", "prompt": "src/notes/core.py"}
        self._configs({**step, "file": "probe.py", "primary": "length"}, "notes", TARGET)
        (self.root / "probe.py").write_text(STEP.format(body=body))
        for split in ("train", "verify"):
            for n in range(plans):
                self.write(self.lab / f"baseline/{split}/plan_{n}", {"note.txt": "!" * n})
        self.write(self.target, FILES)
        self.committed()
        return self

    def planner(self) -> "TargetWorld":
        """A copy of examples/planner."""
        self.step = "potential_levers"
        step = yaml.safe_load((REPOSITORY / "configs/steps/potential_levers.yaml").read_text())
        target = yaml.safe_load((REPOSITORY / "configs/targets/planner.yaml").read_text())
        self._configs(step, "planner", target)
        without = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PLANNER / "steps", self.root / "examples/planner/steps", ignore=without)
        shutil.copytree(PLANNER / "baseline", self.lab / "baseline")
        shutil.copytree(PLANNER / "target", self.target, ignore=without)
        self.committed()
        return self

    def iterate(self, kind: type[luigi.Task] = Iteration, **flags: Any) -> bool:
        """Run Iteration in this process. The environment must be `env`."""
        task = kind(step=self.step, **flags)
        return luigi.build([task], local_scheduler=True, log_level="ERROR")

    @property
    def folder(self) -> Path:
        return self.lab / f"analysis/1_{self.step}"

    def verdict(self) -> Verdict:
        return Verdict.model_validate_json((self.folder / "verdict.json").read_text())

    def codes(self) -> set[str]:
        return {reason.code.value for reason in self.verdict().reasons}

    def set_lab(self, **more: Any) -> None:
        """Further keys of lab.yaml, which this process reads anew."""
        path = self.root / "configs/lab.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | more))
        cached_context.cache_clear()

    def limit(self, **limits: float) -> None:
        """Bounds of each plan in the step's config."""
        path = self.root / f"configs/steps/{self.step}.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | {"limits": limits}))

    def run_folder(self, run: Mapping[str, Any]) -> Path:
        """Where a run's record lies."""
        folders = self.lab.glob(f"history/*/*/outputs/{run['plan']}")
        return next(f for f in folders if json.loads((f / "run.json").read_text()) == run)

    def runs(self) -> list[dict[str, Any]]:
        """Every run.json."""
        return [json.loads(p.read_text()) for p in self.lab.glob("history/*/*/outputs/*/run.json")]

    def _configs(self, step: dict[str, Any], name: str, target: dict[str, Any]) -> None:
        lab: dict[str, Any] = {"step": self.step, "models": list(self.models), "train_plans": 5}
        lab["policy"] = "default"
        lab |= self.lab_config
        configs = {"lab": lab, f"steps/{self.step}": step}
        configs[f"targets/{name}"] = {**target, **self.target_config}
        given = {"deterministic": True, "workers": 2}
        configs |= {f"models/{alias}": {**given, **m} for alias, m in self.models.items()}
        texts = {f"{path}.yaml": yaml.safe_dump(data) for path, data in configs.items()}
        self.write(self.root / "configs", texts)
        for folder in ("policies", "prompts"):
            shutil.copytree(REPOSITORY / "configs" / folder, self.root / "configs" / folder)
