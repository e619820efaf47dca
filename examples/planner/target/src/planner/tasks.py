"""The pipeline as Luigi tasks; all files of a run lie in one folder."""

import json
from pathlib import Path

import luigi

from planner import potential_levers
from planner.models import Models
from planner.purpose import identify_purpose
from planner.usage import write_usage


class RunTask(luigi.Task):
    """A task on one run folder. `models` is a JSON list of {name, base_url, model}."""

    run_dir = luigi.Parameter()
    models = luigi.Parameter(default="[]", significant=False)

    def at(self, name: str) -> luigi.LocalTarget:
        """A file of the run folder."""
        return luigi.LocalTarget(str(Path(self.run_dir) / name))


class PlanFile(luigi.ExternalTask):
    """The plan, which someone has written."""

    run_dir = luigi.Parameter()

    def output(self) -> luigi.LocalTarget:
        """The text."""
        return luigi.LocalTarget(str(Path(self.run_dir) / "001-2-plan.txt"))


class IdentifyPurpose(RunTask):
    """What the plan is for."""

    def requires(self) -> luigi.Task:
        """The plan."""
        return PlanFile(self.run_dir)

    def output(self) -> luigi.LocalTarget:
        """Markdown."""
        return self.at("002-6-identify_purpose.md")

    def run(self) -> None:
        """One call."""
        models = Models(json.loads(self.models))
        text = identify_purpose(Path(self.input().path).read_text("utf-8"), models)
        write_usage(Path(self.run_dir), models.calls)
        Path(self.output().path).write_text(text, encoding="utf-8")


class PotentialLevers(RunTask):
    """Which decisions matter."""

    def requires(self) -> dict[str, luigi.Task]:
        """The plan and its purpose."""
        purpose = IdentifyPurpose(run_dir=self.run_dir, models=self.models)
        return {"plan": PlanFile(self.run_dir), "purpose": purpose}

    def output(self) -> dict[str, luigi.LocalTarget]:
        """All that was asked and answered, and the levers alone."""
        return {"raw": self.at(potential_levers.RAW), "clean": self.at(potential_levers.CLEAN)}

    def run(self) -> None:
        """Three calls."""
        texts = {name: Path(t.path).read_text("utf-8") for name, t in self.input().items()}
        models = Models(json.loads(self.models))
        try:
            outcome = potential_levers.identify(texts["plan"], texts["purpose"], models)
        finally:
            write_usage(Path(self.run_dir), models.calls)
        places = {name: Path(target.path) for name, target in self.output().items()}
        potential_levers.save(outcome, places["raw"], places["clean"])
