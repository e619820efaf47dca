"""Replay: compute old verdicts again from the raw rows, under their own policy or another one."""

from typing import NamedTuple

import luigi

from pipeline.console import say
from pipeline.tasks.printing import PrintingTask
from prompt_lab.decide.replay import differences
from prompt_lab.decide.verdict import Policy, explain
from prompt_lab.decide.verdict import Verdict as VerdictRecord
from prompt_lab.errors import ConfigError, LabError, StoreError
from prompt_lab.experiments.decision import decide_iteration
from prompt_lab.experiments.gather import batch_of, changed_plans
from prompt_lab.experiments.past import VERDICT_LOST, in_history, verdict_is_lost
from prompt_lab.experiments.verdict import Verdict
from prompt_lab.names import Split
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole

WIDEST = 160
SHOWN = 5


class Differs(LabError):
    """A stored verdict is not what its rows give."""


class Replayed(NamedTuple):
    """One iteration: whether the replay says the same, and one or more lines about it."""

    same: bool
    text: str


class Replay(PrintingTask):
    """Prints 'identical', or what differs; with --policy, the past verdicts it would change."""

    number = luigi.Parameter(default="all", description="an iteration's number, or all")
    policy = luigi.Parameter(
        default="", description="a file of configs/policies: which verdicts would it change?"
    )

    def run(self) -> None:
        """Read, recompute, say. Raises Differs where a verdict's own policy gives another one."""
        wanted, lost = self._find_verdicts()
        other = self.context.policy(self.policy) if self.policy else None
        found = [
            _replay_under_policy(p, old, other) if other else _replay_verdict(p, old)
            for p, old in wanted
        ] + lost
        wrong = sum(not replayed.same for replayed in found)
        lines = [replayed.text for replayed in found]
        if other is not None:
            lines.append(
                f"{wrong} of {len(found)} verdicts would differ under policy {self.policy!r}."
            )
        elif wrong:
            say("\n".join(lines))
            raise Differs(f"{wrong} of {len(found)} stored verdicts are not what their rows give.")
        else:
            lines.append(f"{len(found)} verdicts, computed again from their rows: identical.")
        self.print_result("\n".join(lines))

    def _find_verdicts(self) -> tuple[list[tuple[Verdict, VerdictRecord]], list[Replayed]]:
        """The iterations that have a verdict of ours, by number; and those that have lost it."""
        known = iterations(self.context.lab)
        if self.number != "all" and not self.number.isdigit():
            raise ConfigError([f"--number {self.number}: give an iteration's number, or all"])
        chosen = sorted(known) if self.number == "all" else [int(self.number)]
        found, lost = [], []
        for number in chosen:
            folder = self.context.lab.iteration(number, known.get(number, ""))
            path = folder / Verdict.FILE
            old = read_if_whole(path, VerdictRecord)
            if old is None and verdict_is_lost(folder):
                lost.append(Replayed(False, f"{number}: {VERDICT_LOST}: {in_history(path)}"))
            elif old is not None:
                try:
                    found.append((Verdict(number=number, step=known[number]), old))
                except LabError as error:  # a step that is no more, or a folder renamed
                    lost.append(Replayed(False, f"{number}: cannot be computed again: {error}"))
        if not found and not lost:
            raise StoreError(f"{self.context.lab.analysis}: no verdict there to replay")
        return found, lost


def _replay_verdict(experiment: Verdict, old: VerdictRecord) -> Replayed:
    try:
        new, _ = decide_iteration(experiment, order=old.reason_order)
    except LabError as error:
        return Replayed(False, f"{experiment.number}: cannot be computed again: {error}")
    stored = (experiment.folder / experiment.FILE).read_text("utf-8")
    # A verdict of an earlier version is compared in the keys that it had.
    if new.model_dump_json(indent=2, include=old.model_fields_set) + "\n" == stored:
        return Replayed(
            True, f"{experiment.number}: identical ({new.outcome.value}){_scored_with(phase)}"
        )
    lines = differences(old, new) or ["the same numbers, written in another way"]
    shown = "".join(f"\n  {line[:WIDEST]}" for line in lines)
    return Replayed(False, f"{experiment.number}: differs{shown}")


def _scored_with(experiment: Verdict) -> str:
    """Which plans its scores come from, where those have been changed since; else ''."""
    batches = [batch for split in Split if (batch := batch_of(experiment, split.value)) is not None]
    names = sorted({name for batch in batches for name in changed_plans(experiment, batch)})
    if not names:
        return ""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    listed = ", ".join(map(repr, names[:SHOWN])) + more
    return f", with scores from before these plans were changed: {listed}"


def _replay_under_policy(experiment: Verdict, old: VerdictRecord, policy: Policy) -> Replayed:
    """The same rows under another policy, at the alpha that was granted to the old trial."""
    try:
        new, _ = decide_iteration(experiment, policy.at_alpha(old.alpha))
    except LabError as error:
        return Replayed(False, f"{experiment.number}: cannot be computed again: {error}")
    before, after = old.outcome.value, new.outcome.value
    if before == after:
        return Replayed(True, f"{experiment.number}: {before}, as before")
    return Replayed(False, f"{experiment.number}: {before} -> {after}: {explain(new).text}")
