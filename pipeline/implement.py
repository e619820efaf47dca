"""Implement: one change on a branch, with a commit and a pull request. Writes change.json."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import luigi

from pipeline.base import Phase
from pipeline.gather import batch_of, rows_of, texts, version_at
from pipeline.past import in_history, last_rows, tried, tried_on
from pipeline.prepare import Prepare
from pipeline.scout import Scout
from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.synthesis import first_directions, parse_synthesis
from prompt_lab.errors import ConfigError, TargetError
from prompt_lab.names import PullState, Side, Split
from prompt_lab.propose.choose import choose, strategies
from prompt_lab.propose.model import Draft, Material, failing_plans
from prompt_lab.records import Change, Direction, PlanText, PromptVersion
from prompt_lab.store.files import read_parsed
from prompt_lab.store.iterations import IterationMeta, read_meta


class Implement(Phase):
    """Carry out the top direction of the last synthesis, or take the change that is given."""

    FILE = "change.json"

    def requires(self) -> luigi.Task:
        """What the iteration will do."""
        return self.like(Prepare)

    def work(self) -> Iterator[Any]:
        """Find the change, see that it has a pull request, write change.json."""
        meta = read_meta(self.ctx.lab, self.number, self.step)
        if meta.given:
            change = _given(self, meta)
        elif self.skip_implement:
            raise ConfigError(
                ["--skip-implement: name the change that exists already with --branch or --pr"]
            )
        else:
            if not meta.last_synthesis:
                yield self.like(Scout)
            change = _proposed(self, meta)
        self.write(change.model_dump_json(indent=2) + "\n")


def _given(phase: Phase, meta: IterationMeta) -> Change:
    """A change of one's own: its branch as it is now, with its pull request."""
    host = phase.ctx.code_host(meta.target)
    if meta.given[:1] == "#" and meta.given[1:].isdecimal():
        pull = host.get(int(meta.given[1:]))
        if pull.state is not PullState.OPEN:
            raise TargetError(f"Pull request #{pull.number} is {pull.state.value}, not open.")
    else:
        title = f"Test {meta.given}"
        body = f"Opened for iteration {meta.iteration} of step {meta.step!r}."
        pull = host.open_pull(meta.given, base=meta.main, title=title, body=body, when=meta.created)
    return Change(
        branch=pull.branch,
        commit=phase.ctx.workspace(meta.target).resolve(pull.head),
        base_commit=meta.main_commit,
        strategy="given",
        source="the command line",
        title=pull.title,
        description=pull.body,
        pull=pull.number,
        pull_url=pull.url,
    )


def _proposed(phase: Phase, meta: IterationMeta) -> Change:
    """The first direction that a strategy can carry out, as a commit on a new branch."""
    material, directions, source = _ideas(phase, meta)
    done = tried_on(phase.ctx.lab, phase.step, meta.main_commit)
    strategy, direction = choose(directions, material, done)
    draft = strategy.propose(material)
    branch = f"prompt-lab/{meta.iteration}-{draft.strategy}"
    commit = phase.ctx.workspace(meta.target).commit_files(
        meta.main_commit,
        branch,
        {phase.ctx.step(phase.step).prompt: draft.text},
        message=_message(draft, direction, source),
        when=meta.created,
    )
    pull = phase.ctx.code_host(meta.target).open_pull(
        branch,
        base=meta.main,
        title=draft.title,
        body=_message(draft, direction, source),
        when=meta.created,
    )
    return Change(
        branch=branch,
        commit=commit,
        base_commit=meta.main_commit,
        strategy=draft.strategy,
        source=source,
        direction=direction.title,
        rank_score=direction.rank_score,
        title=draft.title,
        description=draft.description,
        shown=draft.plans,
        pull=pull.number,
        pull_url=pull.url,
    )


def _ideas(phase: Phase, meta: IterationMeta) -> tuple[Material, list[Direction], str]:
    """The prompt as it is, what is known of its failures, and the directions with their source."""
    lab = phase.ctx.lab
    before = version_at(phase, meta.main_commit)
    train = texts(phase, meta.plans[Split.TRAIN], split=Split.TRAIN)
    if meta.last_synthesis:
        path = lab.root / meta.last_synthesis
        last = read_parsed(path, parse_synthesis, fix=in_history(path))
        directions, source = list(last.directions), meta.last_synthesis
    else:
        primary = phase.ctx.step(phase.step).primary
        rows = rows_of(phase, batch_of(phase, "scout"))
        metrics = measure(rows, train, primary, {Side.BASELINE: before})
        found = first_directions(metrics, tried(lab, phase.step), tuple(strategies()))
        directions, source = list(found.directions), "the baseline's own failures"
    material = _material(phase, before, list(train.values()))
    return material, directions, source


def _material(phase: Phase, before: PromptVersion, train: Sequence[PlanText]) -> Material:
    """The prompt as it is, and the train plans that go wrong with it, as far as runs tell."""
    rows = rows_of(phase, batch_of(phase, "scout")) or last_rows(phase, before)
    schema = json.loads(before.schema_text) if before.schema_text else None
    failing = failing_plans([row.record for row in rows])
    return Material(phase.step, before.text, schema, train, failing)


def _message(draft: Draft, direction: Direction, source: str) -> str:
    evidence = "\n".join(f"- {e}" for e in direction.evidence)
    return (
        f"{draft.title}\n\n{draft.description}\n\nStrategy: {draft.strategy}\n"
        f"From: {source}\nDirection: {direction.title}\n\nEvidence:\n{evidence}\n"
    )
