"""Gather from the lab what pages and summaries show."""

import os
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.model import Metrics
from prompt_lab.analyze.synthesis import parse_synthesis
from prompt_lab.analyze.synthesis_model import Participant
from prompt_lab.decide.verdict import Code, Verdict, explain
from prompt_lab.evaluate.judged import judgements_on
from prompt_lab.evaluate.sent_prompt import describe_rules
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import plans_of, texts, version_at
from prompt_lab.experiments.planexe_pages import foreign_entry
from prompt_lab.experiments.race import describe_race
from prompt_lab.experiments.trials import measured_name, read_judgements, rows_for_display
from prompt_lab.names import Side, Split, count
from prompt_lab.records import RECORDED, Change, PromptVersion, RunRow
from prompt_lab.report.view import JudgeReason, LedgerEntry, LoopRow, ReportView, Setup, Spent
from prompt_lab.store.agents import works
from prompt_lab.store.batch import Batch
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole, read_parsed, read_record
from prompt_lab.store.given_up import GIVEN_UP, GivenUp
from prompt_lab.store.iterations import (
    RACE,
    REVERTED,
    Conclusion,
    IterationMeta,
    RaceRecord,
    Reverted,
    RunsSummary,
    is_ours,
    made_again,
    read_change,
    read_meta,
)
from prompt_lab.store.journal import answers_by_key
from prompt_lab.store.layout import NO_ITERATION, Lab
from prompt_lab.store.loops import BEGUN, ENDED, LoopBegun, loops, read_ended
from prompt_lab.store.retests import last_retest
from prompt_lab.store.sealed import is_sealed, may_be_shown, shown_verdict, was_confirming
from prompt_lab.store.sent_messages import read_messages

PHASES_OF_RUNS = ("scout", "runs_train", "runs_verify")


def report_view(experiment: Experiment) -> ReportView:
    """The page data of one iteration, complete or not."""
    ctx, folder = experiment.context, experiment.folder
    meta = read_meta(ctx.lab, experiment.number, experiment.step)
    change = read_change(ctx.lab, experiment.number, experiment.step)
    before, after = (
        version_at(experiment, change.base_commit),
        version_at(experiment, change.commit),
    )
    rows = rows_for_display(experiment, Split.TRAIN)
    sealed = is_sealed(folder)
    verify = [] if sealed else rows_for_display(experiment, Split.VERIFY)
    prompts = {Side.BASELINE: before, Side.CANDIDATE: after}
    metrics = _measure_rows(experiment, rows, prompts, split=Split.TRAIN)
    documents = sorted(folder.glob("*.md"))
    host = ctx.code_host(meta.target)
    runs = read_if_whole(folder / "runs_train.json", RunsSummary)  # nothing asked: nothing spent
    return ReportView(
        iteration=experiment.number,
        step=experiment.step,
        created=meta.created,
        setup=_setup(experiment, meta, unread=bool(runs and runs.skipped), rows=rows),
        change=change,
        pull=host.get(change.pull) if change.pull is not None else None,
        before=before,
        after=after,
        verdict=shown_verdict(folder),
        sealed=sealed and was_confirming(folder),
        metrics=metrics,
        verify_metrics=_measure_rows(experiment, verify, prompts, split=Split.VERIFY),
        rows=tuple(rows),
        plans=texts(experiment, plans_of(meta, Split.TRAIN, rows), split=Split.TRAIN),
        messages=_sent_messages(ctx.lab, rows, metrics),
        judge_reasons=_judge_reasons(experiment, rows),
        spent=usage_to_show(folder, strict=True),
        race=_race_of(folder),
        **_after_merge(folder),
        took_part=_took_part(folder),
        works=works(folder),
        documents={path.name: path.read_text("utf-8", "replace") for path in documents},
        files=tuple(
            path.name for path in sorted(folder.glob("*.json")) if may_be_shown(folder, path.name)
        ),
        page=ctx.page(folder / "report.html"),
        lab=os.path.relpath(ctx.lab.root, folder),
        versions={name: version(name) for name in ("prompt-lab", "luigi", "llama-index-core")},
    )


def _judge_reasons(experiment: Experiment, rows: Sequence[RunRow]) -> tuple[JudgeReason, ...]:
    """What the judge said about the pairs of the train plans; () without a judge."""
    known = read_judgements(experiment, Split.TRAIN.value)
    if not known:
        return ()
    answers = answers_by_key(experiment.context.lab)
    return tuple(
        JudgeReason(
            **one.cell._asdict(),
            baseline_first=answers.get(one.asked[0], ""),
            candidate_first=answers.get(one.asked[1], ""),
        )
        for one in judgements_on(rows, known)
        if len(one.asked) == len(Side)
    )


def _sent_messages(lab: Lab, rows: Sequence[RunRow], metrics: Metrics | None) -> dict[str, str]:
    """The messages of the runs of each flip; of an answer scored again, those of its first run."""
    flips = metrics.flips if metrics else ()
    shown = {path for flip in flips for path in (flip.baseline_path, flip.candidate_path)}
    found = [row for row in rows if row.path in shown]
    paths = [row.record.rescored_from or row.path for row in found]
    folders = [(lab.root / path).parent.parent for path in paths]
    return dict(read_messages(folders, (one for row in found for one in row.record.sent.messages)))


def _after_merge(folder: Path) -> dict[str, Any]:
    """What the re-tests of a merge show; nothing where there was none."""
    record = last_retest(folder)
    if record is None:
        return {}
    return {"after_merge": record.text, "worse_since": record.state == "worse"}


def _race_of(folder: Path) -> str:
    record = read_if_whole(folder / RACE, RaceRecord)
    return describe_race(record) if record else ""


def sum_usage(
    folder: Path, *, strict: bool = False, phases: tuple[str, ...] = PHASES_OF_RUNS
) -> Spent:
    """Calls, money and time of all runs of an iteration, the scout's included, and of its agents.

    A damaged file counts as none; if `strict` it raises StoreError.
    """
    paths = [p for name in phases if (p := folder / f"{name}.json").exists()]
    paths += sorted(folder.glob("runs_race_*.json"))
    if strict:
        found = [read_record(path, RunsSummary, fix=made_again(path)) for path in paths]
    else:
        found = [r for p in paths if (r := read_if_whole(p, RunsSummary)) is not None]
    by_agents = works(folder, made_again if strict else None)
    agents_usd = sum(work.cost_usd for work in by_agents)
    return Spent(
        calls_made=sum(p.calls_made - p.calls_replayed for p in found),
        calls_replayed=sum(p.calls_replayed for p in found),
        duplicate_calls=sum(p.duplicate_calls for p in found),
        calls_reused=sum(p.runs_reused for p in found),
        calls_rescored=sum(p.runs_rescored for p in found),
        cost_usd=sum(p.cost_usd for p in found) + agents_usd,
        agents_usd=agents_usd,
        agents=len(by_agents),
        seconds=sum(p.seconds for p in found),
        calls_spared=sum(p.runs_spared for p in found),
    )


def usage_to_show(folder: Path, *, strict: bool = False) -> Spent:
    """`sum_usage` as it may be shown: without the runs on sealed plans.

    How many of those were made says at which look they were decided, and so how clear the result
    was. In their place stands how many were planned.
    """
    if not (is_sealed(folder) and was_confirming(folder)):
        return sum_usage(folder, strict=strict)
    planned = read_if_whole(folder / "batch_verify.json", Batch)
    runs = [run for run in planned.runs if run.takes_calls and not run.probe] if planned else []
    shown = sum_usage(folder, strict=strict, phases=PHASES_OF_RUNS[:-1])
    return shown.model_copy(update={"sealed_at_most": len(runs)})


def ledger_entries(ctx: LabContext) -> list[LedgerEntry]:
    """Every iteration of the lab by number, those of another tool as far as readable."""
    known = sorted(iterations(ctx.lab).items())
    entries = [_entry(ctx.lab, number, step) for number, step in known]
    later = {e.follow_up_of: e.iteration for e in entries if e.follow_up_of is not None}
    return [e.model_copy(update={"followed_in": later.get(e.iteration)}) for e in entries]


def _entry(lab: Lab, number: int, step: str) -> LedgerEntry:
    folder = lab.iteration(number, step)
    if number == NO_ITERATION or not is_ours(folder):
        return foreign_entry(lab, number, step)
    meta = read_if_whole(folder / "meta.json", IterationMeta)
    change = read_if_whole(folder / "change.json", Change)
    verdict = shown_verdict(folder)
    conclusion = read_if_whole(folder / "conclusion.json", Conclusion)
    report = folder / "report.html"
    back = read_if_whole(folder / REVERTED, Reverted)
    ended_by = read_if_whole(folder / GIVEN_UP, GivenUp)
    taken_back = back if back and back.merged_commit else None
    rows, spent = verdict.models if verdict else (), usage_to_show(folder)
    return LedgerEntry(
        iteration=number,
        step=step,
        title=change.title if change else "",
        strategy=change.strategy if change else "",
        pull=change.pull if change else None,
        pull_url=change.pull_url if change else "",
        outcome=verdict.outcome if verdict else None,
        why=ended_by.reason if ended_by else _deciding(verdict),
        given_up=ended_by is not None,
        effect=verdict.effect if verdict else None,
        low=verdict.interval.low if verdict and verdict.interval else None,
        high=verdict.interval.high if verdict and verdict.interval else None,
        baseline=sum(r.baseline for r in rows) / len(rows) if rows else None,
        candidate=sum(r.candidate for r in rows) / len(rows) if rows else None,
        merged=bool(conclusion and conclusion.merged_commit),
        **_after_merge(folder),
        reverted_pull=taken_back.pull if taken_back else None,
        reverted_url=taken_back.pull_url if taken_back else "",
        reverted_after=taken_back.after if taken_back else None,
        follow_up_of=meta.follow_up_of if meta else None,
        cost_usd=spent.cost_usd,
        without_sealed=spent.sealed_at_most > 0,
        created=meta.created if meta else "",
        label=RECORDED if verdict and Code.RECORDED in {r.code for r in verdict.reasons} else "",
        report=lab.relative(report) if report.exists() else "",
    )


def _deciding(verdict: Verdict | None) -> str:
    """The reason that decided, in a sentence; '' where there is none."""
    return explain(verdict).text if verdict and verdict.reasons else ""


def loop_rows(lab: Lab) -> list[LoopRow]:
    """Every loop of the lab, and why it stopped."""
    found = []
    for number, step in sorted(loops(lab).items()):
        end = read_ended(lab, number, step)
        state = read_if_whole(lab.loop(number, step) / BEGUN, LoopBegun)
        numbers = end.iterations if end else state.iterations if state else ()
        row = LoopRow(loop=number, step=step, iterations=numbers)
        if end is not None:
            told = {"code": end.stop.code.value, "text": end.stop.text, "cost_usd": end.cost_usd}
            row = row.model_copy(update=told)
        elif (lab.loop(number, step) / ENDED).exists():
            row = row.model_copy(update={"code": "?", "text": f"{ENDED} is damaged."})
        found.append(row)
    return found


def _took_part(folder: Path) -> tuple[Participant, ...]:
    path = folder / "synthesis.md"
    if not path.exists():
        return ()
    return read_parsed(path, parse_synthesis, fix=made_again(path)).took_part


def _setup(
    experiment: Experiment, meta: IterationMeta, *, unread: bool, rows: Sequence[RunRow]
) -> Setup:
    return Setup(
        target=meta.target,
        main_commit=meta.main_commit,
        policy=meta.policy,
        models=meta.models,
        train_plans=meta.plans[Split.TRAIN],
        verify_plans=meta.plans[Split.VERIFY],
        replicates=meta.replicates,
        judge=meta.judge.model if meta.judge else "",
        prompt_rule=describe_rules(rows),
        budget="" if unread else _describe_budget(experiment, meta),
    )


def _describe_budget(experiment: Experiment, meta: IterationMeta) -> str:
    """What the iteration has spent of the error budget, and what is left, in a sentence or two."""
    granted, policy = meta.granted, meta.judged_by
    if granted is None:
        return ""
    if policy is None or not policy.seals or granted.left is None:
        return granted.text
    used = was_confirming(experiment.folder)
    left = count(max(0, granted.left - used), "confirmation")
    spent = granted.text if used else f"No confirmation was used: {left} of this policy are left."
    return f"{spent} New plans, one folder each, go into the lab's baseline/verify."


def _measure_rows(
    experiment: Experiment, rows: list[RunRow], prompts: dict[Side, PromptVersion], *, split: Split
) -> Metrics | None:
    if not rows:
        return None
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    plans = texts(experiment, plans_of(meta, split, rows), split=split)
    return measure(rows, plans, measured_name(experiment), prompts)
