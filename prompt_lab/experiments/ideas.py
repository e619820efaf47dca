"""Find a change to test: from the last synthesis, or from the baseline's own failures."""

import json
from typing import NamedTuple

from prompt_lab.analyze.failure_modes import standing_modes
from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.synthesis import first_directions, parse_synthesis
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import batch_of, rows_of, texts, version_at
from prompt_lab.experiments.guard_check import guard_text, log_refusals
from prompt_lab.experiments.past import (
    in_history,
    known_modes,
    last_rows,
    read_tried_changes,
    tried_on,
)
from prompt_lab.names import Side, Split
from prompt_lab.propose.choose import NothingToPropose, choose
from prompt_lab.propose.model import Draft, Material, failing_plans
from prompt_lab.records import Direction, PromptVersion
from prompt_lab.store.files import read_parsed
from prompt_lab.store.iterations import IterationMeta


class Idea(NamedTuple):
    """A change that a strategy proposes, the direction that it carries out, and its source."""

    draft: Draft
    direction: Direction
    source: str


def ideas(experiment: Experiment, meta: IterationMeta, *, log: bool = False) -> list[Idea]:
    """The first directions that strategies can carry out: one, or as many as race.

    There may be fewer than race. A draft that the guard refuses is passed over, and logged if
    `log`. Raises NothingToPropose if none is left.
    """
    material, ranked, source = directions(experiment, meta)
    done = list(tried_on(experiment, meta.start_commit or meta.main_commit))
    found: list[Idea] = []
    while len(found) < meta.race:
        try:
            strategy, direction = choose(ranked, material, experiment.context.strategies(), done)
        except NothingToPropose:
            if found:
                break
            raise
        done.append(strategy.name)
        draft = strategy.propose(material)
        base = meta.start_commit or meta.main_commit
        refusals = guard_text(experiment, meta, draft.text, base)
        if not refusals:
            found.append(Idea(draft, direction, source))
        elif log:
            log_refusals(experiment, meta, refusals, strategy.name)
    return found


def check_idea(experiment: Experiment, meta: IterationMeta) -> None:
    """Raises ConfigError if an iteration without a given change could find none.

    Before the first synthesis only the scout's runs can show that.
    """
    told = meta.last_synthesis or (experiment.folder / "scout.json").exists()
    if told and not meta.given and not meta.agent and meta.follow_up_of is None:
        ideas(experiment, meta)


def directions(
    experiment: Experiment, meta: IterationMeta
) -> tuple[Material, list[Direction], str]:
    """The current prompt with its known failures, and the directions with their source."""
    lab = experiment.context.lab
    before = version_at(experiment, meta.start_commit or meta.main_commit)
    if meta.last_synthesis:
        path = lab.root / meta.last_synthesis
        last = read_parsed(path, parse_synthesis, fix=in_history(path))
        ranked, source = list(last.directions), meta.last_synthesis
    else:
        primary = experiment.context.step(experiment.step).primary
        rows = rows_of(experiment, batch_of(experiment, "scout"))
        train = texts(experiment, meta.plans[Split.TRAIN], split=Split.TRAIN)
        metrics = measure(rows, train, primary, {Side.BASELINE: before})
        found = first_directions(
            metrics,
            read_tried_changes(lab, experiment.step),
            tuple(experiment.context.strategies()),
        )
        ranked, source = list(found.directions), "the baseline's own failures"
    return material_of(experiment, meta, before), ranked, source


def evidence(direction: Direction) -> str:
    """The part of a message that says why a direction was taken; '' where it has no evidence."""
    lines = "".join(f"- {line}\n" for line in direction.evidence)
    return f"\nEvidence:\n{lines}" if lines else ""


def material_of(experiment: Experiment, meta: IterationMeta, before: PromptVersion) -> Material:
    """A prompt, and the train plans on which runs show that it fails."""
    train = list(texts(experiment, meta.plans[Split.TRAIN], split=Split.TRAIN).values())
    rows = rows_of(experiment, batch_of(experiment, "scout")) or last_rows(experiment, before)
    schema = json.loads(before.schema_text) if before.schema_text else None
    failing = failing_plans([row.record for row in rows])
    modes = standing_modes(known_modes(experiment.context.lab, experiment.step).modes)
    cited = " ".join(part for mode in modes for part in mode.evidence)
    # Runs of another prompt do not show that a plan fails now, but they are better than nothing.
    failing = failing or tuple(plan.name for plan in train if f"/{plan.name})" in cited)
    known = tuple(f"{mode.text} {'; '.join(mode.evidence)}" for mode in modes)
    return Material(experiment.step, before.text, schema, train, failing, known)
