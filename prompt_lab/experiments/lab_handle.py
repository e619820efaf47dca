"""A lab from Python: run iterations on it, and read what it holds as plain records."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from prompt_lab.decide.verdict import Verdict
from prompt_lab.errors import ConfigError, StoreError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.drive import make_experiment, run_iteration
from prompt_lab.experiments.dry_run import describe_dry_run
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import as_planned, batch_of
from prompt_lab.experiments.pages import ledger_entries
from prompt_lab.experiments.past import in_history
from prompt_lab.experiments.replay import Replayed, replay
from prompt_lab.names import Split, join_names
from prompt_lab.records import RunRecord, RunRow
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_record
from prompt_lab.store.iterations import VERDICT
from prompt_lab.store.layout import MARKER
from prompt_lab.store.runs import is_finished
from prompt_lab.store.sealed import is_sealed, shown_verdict

WIRING = "prompt_lab.wiring"
"""The group of the entry point that opens a lab with its adapters: pipeline/wiring.py."""
OPTIONS = (
    *("step", "number", "models", "plans", "branch", "pr", "agent", "analysts", "start"),
    *("follow_up", "replicates", "race", "rivals", "skip_implement", "skip_runner", "force_model"),
)
"""The options of run_iteration: the command's flags; `start` is --from."""


class Records(list[dict[str, Any]]):
    """Records as dictionaries that json.dumps takes."""

    def to_pandas(self) -> Any:
        """A pandas.DataFrame; nested keys become columns such as 'scores.fields'.

        Raises ConfigError where pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError as error:
            fix = "install it with `pip install pandas`, or use the records as they are"
            raise ConfigError([f"to_pandas: pandas cannot be imported ({error}): {fix}"]) from error
        return pandas.json_normalize(self)


class IterationResult(NamedTuple):
    """What an iteration came to."""

    number: int
    step: str
    folder: Path
    verdict: Verdict
    summary: str
    """The text of summary.txt, as the command prints it."""


class LabHandle:
    """A lab with its configs, as `open_lab` returns it. A context manager that closes it."""

    def __init__(self, context: LabContext) -> None:
        self.context = context

    def run_iteration(self, **options: Any) -> IterationResult:
        """Run the open iteration, or the next one, in this process. Prints its progress.

        Options have the names of the command's flags (docs/api.md); `models`, `plans` and
        `analysts` also take a list. Raises the LabError that ends it; the same call goes on.
        """
        experiment = self._make_experiment(options)
        summary = run_iteration(experiment)
        verdict = self.read_verdict(experiment.number)
        return IterationResult(
            experiment.number, experiment.step, experiment.folder, verdict, summary
        )

    def describe_iteration(self, **options: Any) -> str:
        """What such an iteration would run and cost. Calls no model and writes nothing."""
        return describe_dry_run(self._make_experiment(options))

    def replay(self, number: int | None = None, policy: str = "") -> list[Replayed]:
        """Compute recorded verdicts again from their rows: one, or all. Asks no network.

        `policy` names the policy to ask instead of the recorded one.
        """
        return replay(self.context, "all" if number is None else str(number), policy)

    def read_verdict(self, number: int) -> Verdict:
        """The verdict of an iteration; of sealed plans only the outcome, unless it was revealed.

        Raises StoreError where there is none to read.
        """
        path = self._folder(number) / VERDICT
        if not path.exists():
            raise StoreError(f"{path.parent}: iteration {number} has no verdict")
        shown = read_record(path, Verdict, fix=in_history(path))
        return shown_verdict(path.parent) or shown

    def list_iterations(self) -> Records:
        """One record for each iteration, those of another tool included: the ledger's columns."""
        return Records(entry.model_dump(mode="json") for entry in ledger_entries(self.context))

    def list_verdicts(self) -> Records:
        """The content of each readable verdict.json, with `iteration` and `step`."""
        found = Records()
        for number, step in sorted(iterations(self.context.lab).items()):
            verdict = shown_verdict(self.context.lab.iteration(number, step))
            if verdict is not None:
                values = verdict.model_dump(mode="json")
                found.append({"iteration": number, "step": step, **values})
        return found

    def list_rows(self, number: int | None = None, split: str = "") -> Records:
        """One record for each finished run behind a verdict, reused runs included, probes not.

        `number` selects an iteration, `split` 'train' or 'verify'; runs on sealed plans are left
        out until `prompt-lab reveal` shows their figures. Scores are in [0, 1], times in seconds,
        costs in US dollars. Raises StoreError for a damaged run record.
        """
        splits = [one for one in Split if not split or one == split]
        if not splits:
            raise ConfigError([f"split {split!r}: give 'train' or 'verify'"])
        if number is not None:
            self._folder(number)
        return Records(
            _describe_row(its_number, row)
            for its_number, step in sorted(iterations(self.context.lab).items())
            if number in (None, its_number)
            for row in _read_rows(Experiment(self.context, step, its_number), splits)
        )

    def close(self) -> None:
        """End the gateways that steps in a process of their own ask."""
        self.context.close_gateways()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _folder(self, number: int) -> Path:
        lab = self.context.lab
        step = iterations(lab).get(number)
        if step is None:
            raise StoreError(f"{lab.analysis}: there is no iteration {number}")
        return lab.iteration(number, step)

    def _make_experiment(self, options: dict[str, Any]) -> Experiment:
        unknown = sorted(set(options) - set(OPTIONS))
        if unknown:
            raise ConfigError(
                [f"{', '.join(unknown)}: no option of an iteration; known: {', '.join(OPTIONS)}"]
            )
        return make_experiment(self.context, **{k: _join_names(v) for k, v in options.items()})


def open_lab(folder: str | Path = ".", configs: str | Path | None = None) -> LabHandle:
    """The project in a folder, by its promptlab.yaml, or the lab that lies there.

    `configs` is a folder of config files; without it a lab has the shipped ones. Raises
    ConfigError for a config that cannot be read.
    """
    found = entry_points(group=WIRING, name="default")
    if not found:
        raise ConfigError([f"no entry point of {WIRING!r} is installed: install prompt-lab again"])
    [opener] = set(found)
    own = None if configs is None else Path(configs).resolve()
    return LabHandle(opener.load()(Path(folder).resolve(), own))


def _join_names(value: object) -> object:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return join_names(str(name) for name in value)
    return value


def _read_rows(experiment: Experiment, splits: Sequence[Split]) -> Iterator[RunRow]:
    root = experiment.context.lab.root
    for split in splits:
        if split is Split.VERIFY and is_sealed(experiment.folder):
            continue
        batch = batch_of(experiment, split.value)
        for run in batch.runs if batch else ():
            path = root / run.path / MARKER
            if run.path and not run.probe and is_finished(path.parent):
                record = read_record(path, RunRecord)
                row = RunRow(record=record, path=run.path, outputs={}, reused=run.reused)
                yield as_planned(row, run)


def _describe_row(iteration: int, row: RunRow) -> dict[str, Any]:
    record = row.record.model_dump(mode="json")
    names = ("split", "side", "model", "plan", "replicate", "status", "primary", "valid", "scores")
    usage = ("calls", "input_tokens", "output_tokens", "cost_usd")
    return {
        "iteration": iteration,
        "step": record["step"],
        **{name: record[name] for name in names},
        "error": record["error"]["kind"] if record["error"] else "",
        "duration_seconds": record["duration_seconds"],
        **{name: record["usage"][name] for name in usage},
        "answered_by": record["answered_by"],
        "reused": row.reused,
        "run": row.path,
    }
