"""The steps of a loop: its finished iterations, the next one, and its messages."""

from typing import TYPE_CHECKING, NamedTuple

from prompt_lab.decide.policy import AlphaSpent
from prompt_lab.decide.stop import Done, LoopStop, StopCode, main_score, total_cost_usd
from prompt_lab.decide.verdict import Verdict
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.dry_run import most_cost
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.ideas import check_idea
from prompt_lab.experiments.pages import sum_usage as spent_in
from prompt_lab.experiments.prepare import plan_iteration
from prompt_lab.names import Outcome, count
from prompt_lab.propose.choose import NothingToPropose
from prompt_lab.report.words import money, score
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iteration_numbers import resolve_number
from prompt_lab.store.iterations import SUMMARY, Conclusion, IterationMeta
from prompt_lab.store.loops import LoopBegun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from prompt_lab.experiments.loop import LoopRun


class Ahead(NamedTuple):
    """The next iteration. `stop` says why there is none."""

    number: int
    first: bool = False
    follow_up: int = 0
    most_cost: float = 0.0
    scouts: bool = False
    """The baseline must run on a few plans before it is known whether there is anything to try."""
    stop: LoopStop | None = None


def done_in(ctx: LabContext, state: LoopBegun) -> list[Done]:
    """The loop's finished iterations, oldest first."""
    folders = [(n, ctx.lab.iteration(n, state.step)) for n in state.iterations]
    found = []
    for number, folder in folders:
        verdict = read_if_whole(folder / "verdict.json", Verdict)
        if not (folder / SUMMARY).exists():
            continue
        end = read_if_whole(folder / "conclusion.json", Conclusion)
        rows = verdict.models if verdict else ()
        found.append(
            Done(
                iteration=number,
                outcome=verdict.outcome if verdict else None,
                merged=bool(end and end.merged_commit),
                cost_usd=spent_in(folder).cost_usd,
                baseline=sum(r.baseline for r in rows) / len(rows) if rows else None,
                candidate=sum(r.candidate for r in rows) / len(rows) if rows else None,
            )
        )
    return found


def ahead_of(loop: "LoopRun", state: LoopBegun) -> Ahead:
    """The open iteration if there is one, else the next; or why there can be none.

    Raises the LabError that the iteration itself would stop at.
    """
    number = resolve_number(loop.context.lab, loop.step, "")
    first = not state.iterations or state.iterations[0] == number
    ahead = Ahead(number, first=first, follow_up=_follow_up(loop, state, number))
    experiment = loop.experiment(ahead)
    try:
        meta = plan_iteration(experiment)
        scouts = _asks_for_scout(experiment, meta)
        if not scouts and not (experiment.folder / "change.json").exists():
            check_idea(experiment, meta)
    except NothingToPropose as error:
        return ahead._replace(stop=LoopStop(code=StopCode.NO_DIRECTION, text=str(error)))
    except AlphaSpent as error:
        return ahead._replace(stop=LoopStop(code=StopCode.NO_ALPHA, text=str(error)))
    return ahead._replace(most_cost=most_cost(experiment, meta), scouts=scouts)


def told_before(loop: "LoopRun", done: "Sequence[Done]", ahead: Ahead) -> str:
    """One line before an iteration."""
    answers = f", answers iteration {ahead.follow_up}" if ahead.follow_up else ""
    most = count(loop.limits.iterations, "iteration")
    at = f"Loop {loop.number}: {len(done) + 1} of at most {most}"
    return (
        f"{at}, iteration {ahead.number}{answers}. So far {_outcomes(done)}; {_money(loop, done)}."
    )


def told_at_end(loop: "LoopRun", done: "Sequence[Done]", reason: LoopStop) -> str:
    """Why it stopped, what it came to, and which page to open."""
    lines = [f"Loop {loop.number}  {loop.step}  stopped: {reason.code.value.replace('_', ' ')}"]
    why = reason.text.splitlines()
    lines += [f"  why       {why[0]}", *(f"            {line.strip()}" for line in why[1:])]
    lines.append(f"  verdicts  {_outcomes(done)}")
    lines += [_row(one) for one in done]
    before, after = (
        next((d.baseline for d in done if d.baseline is not None), None),
        main_score(done),
    )
    if before is not None:
        lines.append(f"  main      {score(before)} -> {score(after)}")
    lines += [
        f"  cost      {_money(loop, done)}",
        f"  ledger    {loop.context.page(loop.context.lab.index)}",
    ]
    return "\n".join(lines)


def _row(one: Done) -> str:
    outcome, merged = one.outcome.value if one.outcome else "none", "merged" if one.merged else ""
    scores = f"{score(one.baseline)} -> {score(one.candidate)}"
    return f"            {one.iteration}  {outcome:<11}  {scores}  {merged}".rstrip()


def _follow_up(loop: "LoopRun", state: LoopBegun, number: int) -> int:
    """The CONDITIONAL iteration just before, if its fix can be carried out; else 0."""
    lab = loop.context.lab
    open_one = read_if_whole(lab.iteration(number, loop.step) / "meta.json", IterationMeta)
    if open_one is not None:
        return 0 if open_one.given else open_one.follow_up_of or 0
    last = state.iterations[-1] if state.iterations else 0
    verdict = read_if_whole(lab.iteration(last, loop.step) / "verdict.json", Verdict)
    if verdict is None or verdict.outcome is not Outcome.CONDITIONAL:
        return 0
    try:
        plan_iteration(loop.experiment(Ahead(number, follow_up=last)))
    except (ConfigError, AlphaSpent):
        return 0
    return last


def _asks_for_scout(experiment: Experiment, meta: IterationMeta) -> bool:
    """Whether only runs of the baseline can show if there is anything to try."""
    if meta.last_synthesis or meta.given or meta.follow_up_of is not None:
        return False
    return not any((experiment.folder / name).exists() for name in ("scout.json", "change.json"))


def _outcomes(done: "Sequence[Done]") -> str:
    outcomes = [one.outcome for one in done if one.outcome is not None]
    return (
        ", ".join(f"{outcomes.count(o)} {o.value}" for o in Outcome if o in outcomes)
        or "no verdict"
    )


def _money(loop: "LoopRun", done: "Sequence[Done]") -> str:
    of = "" if loop.limits.budget_usd is None else f" of {money(loop.limits.budget_usd)}"
    return f"{money(total_cost_usd(done))}{of} spent"
