"""The pareto front of a step: what each iteration measured, and versions to start from."""

from collections.abc import Sequence
from hashlib import sha256
from statistics import fmean

from prompt_lab.decide.front import Point, best_on, front, qualities, with_points
from prompt_lab.decide.verdict import Verdict
from prompt_lab.errors import ConfigError
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import compared_rows, version_at
from prompt_lab.experiments.past import in_history
from prompt_lab.names import Outcome, Side, Split
from prompt_lab.records import VERSION, Change, PromptVersion, Record, RunRow
from prompt_lab.report.view import FrontRow, ParetoFront
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.iterations import made_again, read_change, read_meta
from prompt_lab.store.plans import digest_for_comparison

BEST_ON = "best-on:"


class FrontRecord(Record):
    """front/<step>.json: every version of the prompt that was measured, and those on the front."""

    version: int = VERSION
    step: str
    points: tuple[Point, ...] = ()
    standing: tuple[str, ...] = ()
    """Contents of the points that no other one beats."""


def keep_front(experiment: Experiment) -> None:
    """Add what this iteration measured, unless it is INVALID or scored by a judge.

    May be called again: a version counts once.
    """
    path = experiment.folder / "verdict.json"
    verdict = read_record(path, Verdict, fix=made_again(path))
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    if verdict.outcome is Outcome.INVALID or meta.judge is not None:
        return
    points = with_points(
        read_front(experiment.context, experiment.step).points, _points(experiment, verdict.outcome)
    )
    record = FrontRecord(
        step=experiment.step, points=points, standing=tuple(p.content for p in front(points))
    )
    write_record(experiment.context.lab.front(experiment.step), record)


def read_front(ctx: LabContext, step: str) -> FrontRecord:
    """The file, or an empty front. Raises StoreError where it is damaged."""
    path = ctx.lab.front(step)
    if not path.exists():
        return FrontRecord(step=step)
    return read_record(path, FrontRecord, fix=in_history(path))


def start_commit(experiment: Experiment, named: str) -> str:
    """The commit that --from means; '' where that is what main has. Raises ConfigError."""
    alias = named.removeprefix(BEST_ON)
    if not named.startswith(BEST_ON) or not alias:
        raise ConfigError([f"--from {named}: give best-on:<model>, as best-on:haiku"])
    [model] = experiment.context.select_models([alias])
    points = read_front(experiment.context, experiment.step).points
    best = best_on(points, model.alias)
    if best is None:
        known = sorted({name for point in points for name in point.quality})
        raise ConfigError(
            [
                f"--from {named}: no candidate of step {experiment.step!r} was measured on "
                f"{model.alias!r} yet; known are: {', '.join(known) or 'none'}"
            ]
        )
    config = experiment.context.target(experiment.context.step(experiment.step).target)
    workspace = experiment.context.workspace(config.name)
    main, commit = workspace.resolve(config.main), workspace.resolve(best.commit)
    same = content(version_at(experiment, main)) == content(version_at(experiment, commit))
    return "" if same else commit


def content(version: PromptVersion) -> str:
    """The key by which two versions are the same: prompt and schema."""
    return sha256(f"{version.text}\0{version.schema_text}".encode()).hexdigest()


def front_view(ctx: LabContext, step: str) -> ParetoFront:
    """The pareto front of a step for its page."""
    record = read_front(ctx, step)
    points = [point for point in record.points if point.content in record.standing]
    means = qualities(points)
    models = sorted({model for point in points for model in point.quality})
    best = {model: best_on(record.points, model) for model in models}
    rows = tuple(
        FrontRow(
            iteration=point.iteration,
            title=point.title,
            branch=point.branch,
            outcome=point.outcome,
            quality=mean,
            best=tuple(m for m in models if best[m] == point),
            plans=max(map(len, point.quality.values()), default=0),
            cost_usd=fmean([c for of in point.cost.values() for c in of.values()] or [0.0]),
            length=point.length,
        )
        for point, mean in zip(points, means, strict=True)
    )
    beaten = len(record.points) - len(points)
    return ParetoFront(step=step, models=tuple(models), rows=rows, beaten=beaten)


def _points(experiment: Experiment, outcome: Outcome) -> list[Point]:
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    rows, names = compared_rows(experiment, Split.TRAIN), _plan_names(experiment)
    base = Change.model_copy(
        change,
        update={
            "branch": meta.main,
            "commit": change.base_commit,
            "title": f"{meta.main} before iteration {experiment.number}",
        },
    )
    sides = ((Side.BASELINE, base, None), (Side.CANDIDATE, change, outcome))
    found = []
    for side, told, result in sides:
        mine = [row for row in rows if row.record.side is side]
        version = version_at(experiment, told.commit)
        point = Point(
            content=content(version),
            commit=told.commit,
            branch=told.branch,
            iteration=experiment.number,
            title=told.title,
            outcome=result,
            length=len(version.text),
            quality=_cells(mine, names, cost=False),
            cost=_cells(mine, names, cost=True),
        )
        found += [point] if mine else []
    return found


def _plan_names(experiment: Experiment) -> dict[str, str]:
    """plan -> its name with a digest, so that a changed plan counts as another one."""
    adapter = experiment.context.adapter(experiment.step)
    folder = experiment.context.lab.plans(Split.TRAIN)
    plans = read_meta(experiment.context.lab, experiment.number, experiment.step).plans[Split.TRAIN]
    of = {n: digest_for_comparison(folder / n, adapter.inputs, adapter.outputs) for n in plans}
    return {name: f"{name}@{its[:8]}" for name, its in of.items()}


def _cells(
    rows: Sequence[RunRow], names: dict[str, str], *, cost: bool
) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        record = row.record
        value = record.usage.cost_usd if cost else record.primary
        plan = names.get(record.plan, record.plan)
        found.setdefault(record.model, {}).setdefault(plan, []).append(value)
    return {m: {p: round(fmean(v), 9) for p, v in of.items()} for m, of in found.items()}
