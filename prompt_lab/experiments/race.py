"""Race: screen several candidates on one shared baseline, and confirm the best of them."""

from collections.abc import Generator, Sequence

from prompt_lab.decide.verdict import Policy, best_of, screen
from prompt_lab.errors import ConfigError
from prompt_lab.evaluate.pairs import pairs_of
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.crash import note_taint, refuse_unanswered
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import summarise_batch
from prompt_lab.experiments.looks import all_runs
from prompt_lab.experiments.needs import Need
from prompt_lab.experiments.preflight import check_change
from prompt_lab.names import PullState, Side, Split, count, split_names
from prompt_lab.records import Change, RunRow
from prompt_lab.report.comment import escape
from prompt_lab.report.words import points
from prompt_lab.store.files import write_record
from prompt_lab.store.iterations import RACE, IterationMeta, RaceEntry, RaceRecord

MOST = 4
"""Candidates of one race: with more the best of them is mostly the luckiest."""


def rivals_of(
    experiment: Experiment, policy: Policy, main_commit: str, *, judged: bool
) -> tuple[str, ...]:
    """The further branches of a race. Raises LabError if such a race cannot be held."""
    rivals, context = split_names(experiment.rivals), experiment.context
    if not rivals and experiment.race <= 1:
        return ()
    flag = "--rivals" if rivals else "--race"
    if not policy.seals:
        raise ConfigError([f"{flag}: policy {policy.name!r} screens no candidates: take `strict`"])
    if judged:
        raise ConfigError([f"{flag}: a step with a judge screens one candidate at a time"])
    if not rivals:
        if experiment.change_ref or experiment.follow_up or experiment.agent:
            raise ConfigError(["--race is for strategies: name further branches with --rivals"])
        return ()
    if not experiment.branch:
        raise ConfigError(["--rivals: name the first candidate with --branch"])
    if len(rivals) >= MOST or experiment.branch in rivals:
        raise ConfigError([f"--rivals: give at most {MOST - 1} branches beside --branch's own"])
    main = context.target(context.step(experiment.step).target).main
    for name in rivals:
        check_change(experiment.with_options(branch=name), main, main_commit)
    return rivals


def race(
    experiment: Experiment, meta: IterationMeta, changes: Sequence[Change]
) -> Generator[Need, None, Change]:
    """Yield the screening runs of all candidates; the change that goes on.

    The baseline is run once for all of them. If no candidate passes, the one with the largest
    difference goes on, and its screening ends it. Writes race.json and a summary of each batch;
    comments on the pull requests of the others, and closes those that this iteration opened.
    """
    policy = experiment.context.policy_of(meta)
    shown = {name for change in changes for name in change.shown}
    plans = [name for name in meta.plans[Split.TRAIN] if name not in shown]
    rows: list[list[RunRow]] = []
    for at, change in enumerate(changes):
        commits = {Side.CANDIDATE: change.commit}
        if at == 0:
            commits = {Side.BASELINE: change.base_commit, **commits}
        rows.append((yield from _runs(experiment, meta, f"race_{at + 1}", commits, plans)))
    baseline = [row for row in rows[0] if row.record.side is Side.BASELINE]
    sides = [[row for row in some if row.record.side is Side.CANDIDATE] for some in rows]
    entries = [
        _enter(change, [*baseline, *mine], policy)
        for change, mine in zip(changes, sides, strict=True)
    ]
    best = _best(entries)
    write_record(experiment.folder / RACE, RaceRecord(entries=tuple(entries), best=best))
    for change in changes:
        if change.branch != best:
            _leave(experiment, meta, change, best)
    return next(change for change in changes if change.branch == best)


def _runs(
    experiment: Experiment,
    meta: IterationMeta,
    name: str,
    commits: dict[Side, str],
    plans: Sequence[str],
) -> Generator[Need, None, list[RunRow]]:
    """Yield the runs of one candidate, the first one's with those of the baseline; their rows."""
    order = BatchOrder(name, Split.TRAIN, commits, meta.models, plans, meta.replicates)
    batch = batch_for(experiment, order)
    rows = yield from all_runs(experiment, batch)
    refuse_unanswered(experiment, batch, rows)
    summary = summarise_batch(experiment, batch, rows)
    note_taint(experiment, batch, summary)
    write_record(experiment.folder / f"runs_{name}.json", summary)
    return rows


def _enter(change: Change, rows: Sequence[RunRow], policy: Policy) -> RaceEntry:
    seen = screen(pairs_of(rows), policy)
    return RaceEntry(
        branch=change.branch,
        pull=change.pull,
        strategy=change.strategy,
        title=change.title,
        screening=seen,
    )


def _best(entries: Sequence[RaceEntry]) -> str:
    """The branch of the best candidate that passed; of the best one at all if none did."""
    found = best_of({entry.branch: entry.screening for entry in entries})
    if found is not None:
        return found
    return max(entries, key=lambda entry: entry.screening.effect or 0.0).branch


def _leave(experiment: Experiment, meta: IterationMeta, change: Change, best: str) -> None:
    """Comment on the pull request of a candidate that does not go on; close it if it is ours."""
    if change.pull is None:
        return
    host = experiment.context.code_host(meta.target)
    body = (
        f"## Not confirmed\n\nIteration {meta.iteration} screened several candidates, and"
        f" `{escape(best)}` was the best of them: it alone goes on to the sealed plans.\n"
    )
    key = f"race-{meta.iteration}"
    host.comment(change.pull, key=key, body=body, when=meta.created)
    ours = change.strategy != "given"
    if ours and host.get(change.pull).state is PullState.OPEN:
        host.close(change.pull, when=meta.created)


def describe_race(record: RaceRecord) -> str:
    """One line: how many were screened, how many passed, and each one's difference."""
    passed = sum(entry.screening.passed for entry in record.entries)
    shown = ", ".join(
        f"{entry.branch} {points(entry.screening.effect)}" for entry in record.entries
    )
    return f"{count(len(record.entries), 'candidate')}, {passed} passed: {shown}"
