"""A whole small world for the DAG: configs, plans, a target repository, models that follow rules.

The models read the first number of an invoice as its amount (it is the invoice's number), unless
the prompt repeats the schema's description of the field: then they read the second one.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import luigi
import yaml

from pipeline.tasks.iteration import Iteration
from prompt_lab.decide.verdict import Verdict
from prompt_lab.propose.sections import CONTRACT
from tests import warm_commands
from tests.pipeline.lab_folder import LabFolder

REPOSITORY = Path(__file__).parents[2]
PLAIN = "Extract the amount.\n[user]\n{invoice}\n"
HINT = "The sum to pay, not the number of the invoice."
SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "number", "description": HINT}},
    "required": ["amount"],
    "additionalProperties": False,
}
NUMBER = r"\d+(?:\.\d+)?"
READS_WELL = {
    "rules": [
        {"when": HINT, "answer": '{"amount": {1}}', "answer_regex": NUMBER},
        {"answer": '{"amount": {0}}', "answer_regex": NUMBER},
    ]
}
READS_FIRST = {"rules": [{"answer": '{"amount": {0}}', "answer_regex": NUMBER}]}

# Follows a hint only where the form of the answer is stated too, else it answers in prose.
READS_LOOSELY = {
    "rules": [
        {"when": [HINT, CONTRACT], "answer": '{"amount": {1}}', "answer_regex": NUMBER},
        {"when": HINT, "answer": "It is {1} euros.", "answer_regex": NUMBER},
        {"answer": '{"amount": {0}}', "answer_regex": NUMBER},
    ]
}


def scripted(script: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A model config that answers by a script."""
    config = {"provider": "scripted", "id": "by-rule", "deterministic": True, "workers": 2}
    return {**config, "settings": {"temperature": 0, "extra": dict(script)}, **more}


@dataclass
class World(LabFolder):
    """Everything under one folder. `models` is alias -> config."""

    models: dict[str, dict[str, Any]] = field(default_factory=dict)
    train: int = 12
    verify: int = 12
    scout: int = 4
    policy: dict[str, Any] = field(default_factory=dict)
    step: dict[str, Any] = field(default_factory=dict)
    """More keys of the step's config."""
    judges: dict[str, dict[str, Any]] = field(default_factory=dict)
    """alias -> config of models that run nothing by themselves."""

    def make(self) -> "World":
        """Write it all down."""
        self.models = self.models or {"exact": scripted(READS_WELL)}
        configs = self.root / "configs"
        step = {
            "adapter": "extract_invoice",
            "target": "shop",
            "prompt": "prompt.txt",
            "schema_path": "schema.json",
            "primary": "fields",
            **self.step,
        }
        lab = {"step": "read_sum", "models": list(self.models), "train_plans": self.train}
        lab["policy"] = "default"
        policy = {"mode": "fixed", "verify": "required", "ledger": {"control": "fixed"}}
        policy |= self.policy
        self._yaml(
            configs / "lab.yaml", {**lab, "verify_plans": self.verify, "scout_plans": self.scout}
        )
        self._yaml(configs / "policies/default.yaml", policy)
        self._yaml(configs / "steps/read_sum.yaml", step)
        self._yaml(configs / "targets/shop.yaml", {"repository": "target"})
        shutil.copytree(REPOSITORY / "configs/prompts", configs / "prompts")
        for alias, model in {**self.models, **self.judges}.items():
            self._yaml(configs / f"models/{alias}.yaml", model)
        for split, count in (("train", self.train), ("verify", self.verify)):
            for n in range(count):
                self._plan(split, n)
        self._target()
        return self

    def iterate(self, **flags: Any) -> bool:
        """Run Iteration in this process. The environment must be `env`."""
        return luigi.build([Iteration(**flags)], local_scheduler=True, log_level="ERROR")

    def command(self, *args: str, **given: Any) -> "subprocess.Popen[str]":
        """`luigi --module pipeline …` as a person types it, in a process of its own."""
        return warm_commands.popen(
            [warm_commands.BIN / "luigi", "--module", "pipeline", *args],
            cwd=REPOSITORY,
            env={**os.environ, **self.env, **given.pop("env", {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            **given,
        )

    def folder(self, number: int) -> Path:
        """The iteration's folder in analysis/."""
        return self.lab / "analysis" / f"{number}_read_sum"

    def verdict(self, number: int) -> Verdict:
        """The verdict on disk."""
        return Verdict.model_validate_json((self.folder(number) / "verdict.json").read_text())

    def record(self, number: int, name: str) -> dict[str, Any]:
        """A JSON file of an iteration."""
        data: dict[str, Any] = json.loads((self.folder(number) / f"{name}.json").read_text())
        return data

    def _yaml(self, path: Path, data: Mapping[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(dict(data), sort_keys=False))

    def _plan(self, split: str, n: int) -> None:
        folder = self.lab / "baseline" / split / f"plan_{split}_{n:03d}"
        folder.mkdir(parents=True)
        text = f"Invoice {9000 + n} of shop {split}. To pay: {n + 1}.50 euros."
        (folder / "invoice.txt").write_text(text)
        (folder / "invoice.json").write_text(json.dumps({"amount": n + 1.5}))

    def _target(self) -> None:
        schema = json.dumps(SCHEMA, indent=2)
        files = {"prompt.txt": PLAIN, "schema.json": schema, "README.md": "A shop.\n"}
        self.write(self.target, files)
        self.committed()
