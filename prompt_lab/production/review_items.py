"""From findings to numbered items with verdicts, and the session that a person answers."""

import os
from collections.abc import Generator, Sequence
from uuid import NAMESPACE_URL, uuid5

from pydantic import Field

from prompt_lab.errors import LabError, ModelUnavailable, UnknownName
from prompt_lab.ports.llm import Llm
from prompt_lab.production.analyst import (
    DEFAULT_MODEL,
    MODEL_VARIABLE,
    AnalystReport,
    choose_traces,
    run_analyst,
)
from prompt_lab.production.analyst_prompt import ReviewMaterial
from prompt_lab.production.item_trials import (
    ItemTrial,
    Untested,
    begin_trial,
    collect_plans,
    mark_untested,
    read_trial,
    why_untested,
)
from prompt_lab.production.memory import recall
from prompt_lab.production.review_run import (
    ANALYSIS,
    FIX,
    TRIALS,
    Findings,
    Observed,
    ReviewRun,
    read_prompt_texts,
)
from prompt_lab.records import VERSION, Record
from prompt_lab.reviews import Finding, Goal, Item, ItemType, ReviewSession, SessionStatus
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.lab_id import lab_id

_GOALS = tuple(Goal)


class ReviewAnalysis(Record):
    """analysis.json: the items before their trials, and what is not shown again."""

    version: int = VERSION
    items: tuple[Item, ...]
    hidden: tuple[str, ...] = Field(default=(), description="a line for each finding kept back")
    follow_ups: tuple[str, ...] = Field(default=(), description="what became of flagged items")
    analyst: AnalystReport = AnalystReport()


class TriedItems(Record):
    """trials.json: the items with their verdicts, and the iterations that gave them."""

    version: int = VERSION
    items: tuple[Item, ...]
    trials: tuple[ItemTrial, ...] = ()


def analyse(run: ReviewRun) -> ReviewAnalysis:
    """Compare with earlier reviews, ask the analyst, number the items. Writes analysis.json."""
    analysis = analyse_findings(run, run.read_observed(), run.read_findings())
    write_record(run.folder / ANALYSIS, analysis)
    return analysis


def analyse_findings(
    run: ReviewRun, observed: Observed, detected: Findings, *, asks: bool = True
) -> ReviewAnalysis:
    """What `analyse` records; writes nothing. The analyst is asked only if `asks`."""
    own = session_id(run) if asks else ""
    sessions = [one for one in run.reviews.list_sessions() if one.id != own]
    report = AnalystReport(skipped="The analyst was skipped: this is a dry run.")
    if asks:
        report = _ask_analyst(run, observed, detected, sessions)
    found = recall(
        [*detected.findings, *report.findings], detected.measured, sessions, now=observed.at
    )
    return ReviewAnalysis(
        items=number_items(found.findings, observed),
        hidden=tuple(f"{one.finding.identity}: {one.reason}" for one in found.hidden),
        follow_ups=tuple(one.text for one in found.follow_ups),
        analyst=report,
    )


def number_items(findings: Sequence[Finding], observed: Observed) -> tuple[Item, ...]:
    """Items from 1 on, by goal; a prompt change knows the text that it was written from."""
    ordered = sorted(findings, key=lambda one: _GOALS.index(one.goal))
    return tuple(
        Item.model_validate(
            {
                **finding.model_dump(),
                "id": number,
                "base_sha256": observed.prompts.get(finding.prompt_key, "")
                if finding.type is ItemType.PROMPT_CHANGE
                else "",
            }
        )
        for number, finding in enumerate(ordered, start=1)
    )


def _ask_analyst(
    run: ReviewRun, observed: Observed, detected: Findings, sessions: Sequence[ReviewSession]
) -> AnalystReport:
    config = run.context.defaults.production
    name = os.environ.get(MODEL_VARIABLE) or config.analyst_model or DEFAULT_MODEL
    if not config.analyst or not run.analyst_traces:
        return AnalystReport(skipped="The analyst is switched off in lab.yaml.")
    chosen = choose_traces(
        run.traces.read(observed.window), detected.findings, most=run.analyst_traces, seed=0
    )
    material = ReviewMaterial(
        observed.window,
        chosen,
        detected.findings,
        read_prompt_texts(run.context.lab, observed),
        observed.usage,
        sessions,
    )
    return run_analyst(_find_llm(run, name), material, run.traces.find, model=name)


def _find_llm(run: ReviewRun, name: str) -> Llm | None:
    """The model by alias, short name or its vendor's id; None where the lab has none of it."""
    context = run.context
    by_id = {model.id: alias for alias, model in context.models.items()}
    try:
        [model] = context.select_models([by_id.get(name, name)])
        return context.sdk_llm(model.alias, "findings_analyst")
    except (UnknownName, ModelUnavailable, ValueError):
        return None


def run_trials(run: ReviewRun) -> Generator[ItemTrial, None, TriedItems]:
    """Yield the iteration of each item that can be tried, then write trials.json.

    May be started again from the top after each: iterations are found by their branches.
    """
    observed, analysis = run.read_observed(), _read_analysis(run)
    collect_plans(
        run.context,
        run.traces.read(observed.window),
        run.traces.read_feedback(observed.window),
        analysis.items,
        when=observed.at,
    )
    items, trials = list[Item](), list[ItemTrial]()
    for item in analysis.items:
        trial, tested = _find_trial(run, item, len(trials))
        if trial is not None:
            trials.append(trial)
            yield trial
            tested = read_trial(run.context, item, trial)
        items.append(tested)
    done = TriedItems(items=tuple(items), trials=tuple(trials))
    write_record(run.folder / TRIALS, done)
    return done


def _find_trial(run: ReviewRun, item: Item, begun: int) -> tuple[ItemTrial | None, Item]:
    """The trial of an item, or the item marked as untested with the reason."""
    if item.type is not ItemType.PROMPT_CHANGE:
        return None, item
    most = run.context.defaults.production.trials_per_review
    path = run.folder / f"trial_{item.id}.json"
    if path.exists():
        return read_record(path, ItemTrial, fix=FIX), item
    if begun >= most:
        return None, mark_untested(item, Untested(f"a review makes at most {most} trials"))
    try:
        why = why_untested(run.context, item)
        if why is not None:
            return None, mark_untested(item, why)
        trial = begin_trial(run.context, run.name, item, when=run.read_observed().at)
    except LabError as error:
        return None, mark_untested(item, Untested(str(error)))
    write_record(path, trial)
    return trial, item


def session_id(run: ReviewRun) -> str:
    """A UUID that only lab and folder decide, so that a repeated step writes the same session."""
    return str(uuid5(NAMESPACE_URL, f"{lab_id(run.context.lab)}/{run.name}"))


def build_session(run: ReviewRun) -> ReviewSession:
    """The session of a review whose trials are done. Raises StoreError."""
    tested = read_record(run.folder / TRIALS, TriedItems, fix=FIX)
    return describe_session(session_id(run), run.read_observed(), _read_analysis(run), tested.items)


def describe_session(
    own_id: str, observed: Observed, analysis: ReviewAnalysis, items: Sequence[Item]
) -> ReviewSession:
    """The session as a record; with nothing found there is nothing to answer."""
    analyst = analysis.analyst
    notes = [*analysis.follow_ups, *analysis.hidden]
    notes += [analyst.skipped] if analyst.skipped and not analyst.model else []
    return ReviewSession(
        id=own_id,
        created_at=observed.at,
        status=SessionStatus.PENDING,
        window_hours=observed.window_hours,
        trace_count=observed.traces,
        session_count=observed.sessions,
        average_cost_usd=observed.average_cost_usd,
        analysis_text="\n".join(notes),
        analyst_skipped=analyst.skipped if analyst.model else "",
        items=tuple(items),
    )


def _read_analysis(run: ReviewRun) -> ReviewAnalysis:
    return read_record(run.folder / ANALYSIS, ReviewAnalysis, fix=FIX)
