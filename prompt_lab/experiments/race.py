"""Race: screen several candidates on one shared baseline, and confirm the best of them."""

from collections.abc import Generator, Sequence

from prompt_lab.decide.verdict import Policy, Reason, Screening, best_of, screen
from prompt_lab.errors import ConfigError
from prompt_lab.evaluate.pairs import pairs_of
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.crash import note_taint, refuse_unanswered
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.flags import MOST_IN_RACE
from prompt_lab.experiments.gather import summarise_batch
from prompt_lab.experiments.leak_check import leaks_in
from prompt_lab.experiments.looks import all_runs
from prompt_lab.experiments.needs import Need
from prompt_lab.experiments.preflight import check_change
from prompt_lab.names import PullState, Side, Split, count, split_names
from prompt_lab.records import Change, RunRow
from prompt_lab.report.comment import escape
from prompt_lab.report.words import points
from prompt_lab.store.files import write_record
from prompt_lab.store.iterations import RACE, IterationMeta, RaceEntry, RaceRecord

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
    if len(rivals) >= MOST_IN_RACE or experiment.branch in rivals:
        raise ConfigError(
            [f"--rivals: give at most {MOST_IN_RACE - 1} branches beside that of --branch"]
        )
    main = context.target(context.step(experiment.step).target).main
    for name in rivals:
        check_change(experiment.with_options(branch=name), main, main_commit)
    return rivals


def race(
    experiment: Experiment, meta: IterationMeta, changes: Sequence[Change]
) -> Generator[Need, None, Change]:
    """Yield the screening runs of all candidates; the change that goes on.

    The baseline is run once for all of them. A candidate that quotes verify plans cannot go on, and
    is not run if its own files show that. If no other passes, the one with the largest difference
    goes on, and its screening ends it. Writes race.json and a summary of each batch; comments on
    the pull requests of the others, and closes those that this iteration opened.
    """
    policy = experiment.context.policy_of(meta)
    shown = {name for change in changes for name in change.shown}
    plans = [name for name in meta.plans[Split.TRAIN] if name not in shown]
    entries: list[RaceEntry] = []
    baseline: list[RunRow] = []
    for at, change in enumerate(changes):
        if found := leaks_in(experiment, meta, change):
            entries.append(_enter(change, None, found))
            continue
        commits = {Side.CANDIDATE: change.commit}
        if not baseline:
            commits = {Side.BASELINE: change.base_commit, **commits}
        rows = yield from _runs(experiment, meta, f"race_{at + 1}", commits, plans)
        baseline = baseline or [row for row in rows if row.record.side is Side.BASELINE]
        mine = [row for row in rows if row.record.side is Side.CANDIDATE]
        opened = [path for row in mine for path in row.record.sent.files]
        seen = screen(pairs_of([*baseline, *mine]), policy)
        entries.append(_enter(change, seen, leaks_in(experiment, meta, change, opened)))
    best = _best(entries)
    write_record(experiment.folder / RACE, RaceRecord(entries=tuple(entries), best=best))
    for change, entry in zip(changes, entries, strict=True):
        if change.branch != best:
            _leave(experiment, meta, change, _reason_to_leave(meta, entry, best))
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


def _enter(change: Change, seen: Screening | None, leaked: tuple[Reason, ...]) -> RaceEntry:
    return RaceEntry(
        branch=change.branch,
        pull=change.pull,
        strategy=change.strategy,
        title=change.title,
        screening=seen,
        leaked=leaked,
    )


def _best(entries: Sequence[RaceEntry]) -> str:
    """The branch of the best candidate that passed; of the best one at all if none did.

    Where all of them quote verify plans, the first one: its iteration then says so.
    """
    sound = {e.branch: e.screening for e in entries if e.screening is not None and not e.leaked}
    if not sound:
        return entries[0].branch
    found = best_of(sound)
    return found or max(sound, key=lambda branch: sound[branch].effect or 0.0)


def _reason_to_leave(meta: IterationMeta, entry: RaceEntry, best: str) -> str:
    """Why a candidate does not go on, as the text of a comment."""
    if entry.leaked:
        return f"It was left out of the race: {escape(entry.leaked[0].text)}"
    return (
        f"Iteration {meta.iteration} screened several candidates, and `{escape(best)}` was the best"
        " of them: it alone goes on to the sealed plans."
    )


def _leave(experiment: Experiment, meta: IterationMeta, change: Change, why: str) -> None:
    """Comment on the pull request of a candidate that does not go on; close it if it is ours."""
    if change.pull is None:
        return
    host = experiment.context.code_host(meta.target)
    body = f"## Not confirmed\n\n{why}\n"
    key = f"race-{meta.iteration}"
    host.comment(change.pull, key=key, body=body, when=meta.created)
    ours = change.strategy != "given"
    if ours and host.get(change.pull).state is PullState.OPEN:
        host.close(change.pull, when=meta.created)


def describe_race(record: RaceRecord) -> str:
    """One line: how many were screened, how many passed, and each one's difference."""
    passed = sum(bool(e.screening and e.screening.passed and not e.leaked) for e in record.entries)
    shown = ", ".join(f"{entry.branch} {_describe(entry)}" for entry in record.entries)
    return f"{count(len(record.entries), 'candidate')}, {passed} passed: {shown}"


def _describe(entry: RaceEntry) -> str:
    if entry.leaked:
        return "left out, it quotes verify plans"
    return points(entry.screening.effect if entry.screening else None)
