"""`prompt-lab promptops ingest | report | metrics | grow | eval | ask | drift`: what is learned."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from pipeline.tasks.base import hold_lab
from pipeline.wiring import lab_context, outcomes
from prompt_lab.clock import utc_now, write_time
from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.errors import CallRefused, StoreError, UsageError
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import count
from prompt_lab.ports import Request
from prompt_lab.promptops.challenge import grow_challenge_set
from prompt_lab.promptops.composite import (
    CompositeReport,
    ScoredCall,
    combine,
    measure_parts,
    score_outcome,
    score_set,
    why_not_passed,
)
from prompt_lab.promptops.drift_safety import DriftFinding, check_drift, read_drift_suite
from prompt_lab.promptops.erasure import erase_outcomes
from prompt_lab.promptops.outcomes import ingest_facts, read_cases, read_golden, render_report
from prompt_lab.promptops.prepared_rows import hash_unit
from prompt_lab.promptops.question_plans import render_question
from prompt_lab.promptops.usage_report import (
    render_effectiveness,
    render_metrics,
    summarise_metrics,
)
from prompt_lab.promptops.weak import find_weak
from prompt_lab.promptops.wear import measure_wear
from prompt_lab.report.terminal import say, write_output
from prompt_lab.store.prompt_verdicts import open_registry
from prompt_lab.traces import ALL_TIME, Window

PromptIdArgument = Annotated[str, typer.Argument(help="id of a registered prompt")]
ANSWER_TOKENS = 512


def add_report_commands(app: typer.Typer) -> None:
    """Add the commands to the group `prompt-lab promptops`."""
    app.command("ingest")(ingest)
    app.command("report")(report_effectiveness)
    app.command("metrics")(report_metrics)
    app.command("grow")(grow)
    app.command("eval")(evaluate)
    app.command("ask")(ask_battery)
    app.command("drift")(check_drift_safety)
    app.command("erase")(erase)


def ingest() -> None:
    """Read what is new in metrics.jsonl and facts/ into the outcome log."""
    context = lab_context()
    hold_lab(context)
    say(render_report(ingest_facts(context.lab, outcomes(context), now=utc_now())))


def report_effectiveness(
    *, since: Annotated[str, typer.Option(help="time in UTC (ISO 8601); '' is all")] = ""
) -> None:
    """Success, latency, cost and thumbs by prompt, task class, variant and arm; weak prompts."""
    context = lab_context()
    window = Window(since or ALL_TIME.start, ALL_TIME.end)
    summary = outcomes(context).summary(window)
    weak = find_weak(summary, context.defaults.promptops)
    say(render_effectiveness(summary, weak))


def report_metrics() -> None:
    """Counts and latencies of the rows of promptops/metrics.jsonl, by type, as JSON."""
    path = lab_context().lab.root / "promptops" / "metrics.jsonl"
    write_output(render_metrics(summarise_metrics(path)))


def grow(prompt_id: PromptIdArgument) -> None:
    """Grow a prompt's challenge set from outcomes and golden cases; show its wear."""
    context = lab_context()
    hold_lab(context)
    registry = open_registry(context.lab)
    text = registry.read_text(prompt_id)
    manifest = registry.files.read_manifest(prompt_id)
    golden, problems = read_golden(context.lab)
    grown = grow_challenge_set(
        context,
        prompt_id,
        outcomes(context).since("", prompt_id=prompt_id),
        golden,
        context.defaults.promptops,
        utc_now(),
        task_class=manifest.task_class if manifest else "",
    )
    wear = measure_wear(context.lab, prompt_id, text)
    added = ", ".join(f"{number} {reason}" for reason, number in grown.added.items()) or "none"
    say(
        f"{prompt_id}: version {grown.set.version or 'none'}, {len(grown.set.plans)} plans; added: "
        f"{added}. Left out: {grown.known} known, {grown.similar} similar, {grown.unscorable} "
        f"without anything to score by, {grown.over} over the limit of one round."
    )
    say(
        f"Wear: {wear.confirmations} confirmations, {wear.fresh} of {wear.sealed} sealed plans "
        f"never used, largest overlap with the prompt {wear.overlap:.0%}."
    )
    for problem in problems:
        say(problem)


def evaluate(
    prompt_id: PromptIdArgument,
    *,
    threshold: Annotated[float, typer.Option(help="of the composite score, lower limit")] = 0.0,
) -> None:
    """The composite score of a prompt's outcomes, each part with its interval.

    Ends with 1 where it does not reach the threshold; an empty set never does.
    """
    context = lab_context()
    config = context.defaults.promptops
    rows = outcomes(context).since("", prompt_id=prompt_id)
    calls = [ScoredCall(score_outcome(one, config), one.unit) for one in rows]
    _end(score_set(calls, config), threshold)


def ask_battery(
    file: Annotated[Path, typer.Argument(help="cases, such as configs/promptops/*.json")],
    *,
    model: Annotated[str, typer.Option(help="alias of the model")],
    prompt: Annotated[str, typer.Option(help="id of a registered prompt; '' for none")] = "",
    most: Annotated[int, typer.Option(min=1, help="cases that are asked")] = 10,
    threshold: Annotated[float, typer.Option(help="of the composite score, lower limit")] = 0.0,
) -> None:
    """Ask a model the first cases of a battery and score the answers; a row for each."""
    context = lab_context()
    cases = read_cases(file)[:most]
    (chosen,) = context.choose_models([model], "", "--model")
    system = open_registry(context.lab).read_text(prompt) if prompt else ""
    config = context.defaults.promptops
    calls = []
    for case in cases:
        request = Request(
            system or "You are a helpful assistant.",
            render_question(case.query, case.sources),
            None,
            ANSWER_TOKENS,
            0,
        )
        answer, latency = _ask(context, chosen.alias, request)
        parts = measure_parts(
            answer,
            case.expected,
            latency_ms=latency,
            latency_budget_ms=config.latency_budget_ms,
        )
        scored = combine(parts, config.weights)
        calls.append(ScoredCall(scored, case.id))
        row = {"id": case.id, "latency_ms": round(latency, 1), "parts": scored, "answer": answer}
        write_output(json.dumps(row, ensure_ascii=False))
    _end(score_set(calls, _with_support(config, len(cases))), threshold)


def check_drift_safety(
    *,
    file: Annotated[Path | None, typer.Option(help="default: configs/promptops")] = None,
) -> None:
    """Every rewrite of the drift-safety suite through the guard. Ends with 1 where one passes."""
    found = find_drift(lab_context(), file)
    unsafe = [one for one in found if not one.is_refused]
    for one in unsafe:
        say(
            f"{one.id}: expected {one.expected}, the guard says {', '.join(one.codes) or 'nothing'}"
        )
    say(f"{len(found) - len(unsafe)} of {len(found)} unsafe rewrites are refused with their code")
    raise typer.Exit(1 if unsafe or not found else 0)


def erase(
    *,
    user: Annotated[str, typer.Option(help="the `unit` that programs gave, as they gave it")] = "",
    days: Annotated[int, typer.Option(min=0, help="older calls are erased; 0: of any age")] = 0,
    reason: Annotated[str, typer.Option(help="recorded with the ids of what was erased")],
) -> None:
    """Erase outcomes of one user, old ones, or a user's old ones: rows of facts and plans too.

    A record of which calls were erased stays.
    """
    if not (user or days) or not reason.strip():
        raise UsageError("--user or --days, and --reason: name what is erased, and why")
    context = lab_context()
    hold_lab(context)
    erased = erase_outcomes(
        context.lab,
        outcomes(context),
        unit=hash_unit(user) if user else "",
        before=write_time(datetime.now(UTC) - timedelta(days=days)) if days else "",
        reason=reason,
        now=utc_now(),
    )
    say(
        f"{count(erased.outcomes, 'outcome')} erased, {count(erased.rows, 'row')} of the files of"
        f" facts, and {count(erased.plans, 'plan')} built from them"
    )


def find_drift(context: LabContext, file: Path | None = None) -> list[DriftFinding]:
    """What the guard says of each rewrite of a suite, the shipped one by default.

    Raises StoreError where the suite, or a prompt that it rewrites, cannot be read.
    """
    shipped = context.shipped or context.configs
    suite = read_drift_suite(file or shipped / "promptops" / "drift_safety.json")
    registry = shipped / "registry"
    texts = {path.stem: path.read_text("utf-8") for path in sorted(registry.glob("*.txt"))}
    if lacking := sorted({one.prompt_id for one in suite.rewrites} - texts.keys()):
        raise StoreError(f"{registry}: {lacking[0]!r} is missing. Restore it from the package.")
    return check_drift(suite, texts)


def _ask(context: LabContext, alias: str, request: Request) -> tuple[str, float]:
    started = time.perf_counter()
    try:
        answer = context.llm(alias).ask(request).text
    except CallRefused:
        answer = ""
    return answer, (time.perf_counter() - started) * 1000


def _with_support(config: PromptOpsConfig, cases: int) -> PromptOpsConfig:
    """A battery that is asked whole is its own support."""
    return config.model_copy(update={"least_support": max(1, min(config.least_support, cases))})


def _end(report: CompositeReport, threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise UsageError(f"--threshold {threshold}: give a share from 0 to 1")
    rows = {**report.parts, **({"composite": report.composite} if report.composite else {})}
    for name, part in rows.items():
        say(f"{name:18} {part.mean:.3f}  [{part.low:.3f}, {part.high:.3f}]  {part.calls} units")
    reasons = why_not_passed(report, threshold)
    say(f"{report.calls} calls, {report.units} units: {', '.join(reasons) or 'passed'}")
    raise typer.Exit(1 if reasons else 0)
