"""The trial of asking by parts: an iteration whose candidate asks {{ part }} for {{ question }}.

A YES turns decomposition on for the task class; anything else leaves it off. Time and cost of both
ways are written down, and a way that is too slow stays off by the gate's own limit.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import Field

from prompt_lab.decide.result import Verdict
from prompt_lab.errors import UsageError
from prompt_lab.experiments.challenge_files import grow_set
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import compared_rows
from prompt_lab.experiments.text_trial import find_trial, prepare_text_trial
from prompt_lab.names import Outcome, Side, Split, Status
from prompt_lab.promptops.abilities import AbilitySwitches, register_ability_trial
from prompt_lab.promptops.challenge import challenge_set_name
from prompt_lab.promptops.decision import limits_of
from prompt_lab.promptops.decomposition.labels import CachedLabels
from prompt_lab.promptops.gate import GateCode, GateMaterial, check_gate
from prompt_lab.promptops.journal import note
from prompt_lab.promptops.merging.records import PART, QUESTION
from prompt_lab.promptops.question_plans import (
    GoldenCase,
    build_question_plan,
    name_plan,
    question_file,
)
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.records import VERSION, Record, RunRow
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.iterations import made_again
from prompt_lab.store.layout import Lab

WHOLE_SLOT: Final = f"{{{{ {QUESTION} }}}}"
PART_SLOT: Final = f"{{{{ {PART} }}}}"


class SideUse(Record):
    """What one way took: means of a question."""

    runs: int = 0
    score: float | None = None
    calls: float = 0.0
    tokens: float = Field(default=0.0, description="input and output")
    seconds: float = Field(default=0.0, description="of the models, one call after the other")
    cost_usd: float = 0.0


class SplitDecision(Record):
    """promptops/split_trials/<verdict id>.json: what a trial of asking by parts decided."""

    version: int = VERSION
    verdict_id: str
    task_class: str
    when: str
    outcome: Outcome
    is_on: bool
    codes: tuple[str, ...] = Field(default=(), description="of the gate, why it is off")
    text: str
    whole: SideUse
    split: SideUse


def grow_split_plans(
    context: LabContext,
    prompt_id: str,
    cases: Sequence[GoldenCase],
    labels: CachedLabels,
    *,
    when: str,
) -> int:
    """Add a plan of each case, with the labels of its parts; the number of those that can be asked.

    Raises LabError where the labeller cannot be reached, StoreError.
    """
    contents, facts = {}, {}
    for case in cases:
        files = build_question_plan(prompt_id, case.query, case.model_dump(), case.sources)
        if files is None:
            continue
        found = labels.find(case.query).model_dump_json(indent=2) + "\n"
        name = name_plan(prompt_id, case.query)
        contents[name] = {**files, labels_file(prompt_id): found}
        facts[name] = (f"golden:{case.id}", "golden")
    grow_set(context, challenge_set_name(prompt_id), contents, facts, when=when)
    return len(contents)


def labels_file(prompt_id: str) -> str:
    """The name of the input file that holds the labels of a question's parts."""
    return f"{prompt_id}.labels.json"


def prepare_split_trial(
    context: LabContext, step: str, *, models: Sequence[str], policy: str, now: str
) -> Experiment:
    """The iteration that tries asking by parts. May be repeated.

    Raises UsageError where the step's prompt does not ask the whole question, LabError where the
    trial cannot begin.
    """
    config = context.step(step)
    task_class = find_task_class(context, step)
    workspace = context.workspace(config.target)
    main = workspace.resolve(context.target(config.target).main)
    before = workspace.read(main, config.prompt)
    if WHOLE_SLOT not in before:
        raise UsageError(
            f"{config.prompt}: has no {WHOLE_SLOT}, which the trial replaces with {PART_SLOT}: add"
            " it where the question goes."
        )
    after = before.replace(WHOLE_SLOT, PART_SLOT)
    branch = f"prompt-lab/split-{step}-{digest_text(after)[:8]}"
    number = find_trial(context, step, branch)
    register_ability_trial(context.lab, f"{number}_{step}", "decomposition", task_class)
    message = f"Ask by parts\n\nThe prompt asks each part of a question ({PART_SLOT}), then merges."
    return prepare_text_trial(
        context, step, {branch: after}, [message], models=models, policy=policy, when=now
    )


def find_task_class(context: LabContext, step: str) -> str:
    """The task class of a step of this kind, by its question's file. Raises UsageError."""
    inputs = context.step(step).inputs
    name = inputs[0].removesuffix(question_file("")) if len(inputs) == 2 else ""
    if not name or inputs != (question_file(name), labels_file(name)):
        raise UsageError(
            f"configs/steps/{step}.yaml: inputs: a trial of asking by parts takes"
            f" [{question_file('NAME')}, {labels_file('NAME')}] and the adapter split_question."
        )
    return name


def conclude_split(experiment: Experiment, *, now: str) -> SplitDecision:
    """What the finished iteration decided, written down; a YES switches decomposition on.

    Raises StoreError without a verdict.
    """
    context, step = experiment.context, experiment.step
    path = experiment.folder / "verdict.json"
    verdict = read_record(path, Verdict, fix=made_again(path))
    rows = [row for split in Split for row in compared_rows(experiment, split)]
    whole, split = _measure(rows, Side.BASELINE), _measure(rows, Side.CANDIDATE)
    # The gate's limit of latency alone: support and quality are the trial's own matter.
    material = GateMaterial(
        verdict.outcome,
        "split",
        "split",
        sealed_plans=verdict.n_plans,
        seconds_before=whole.seconds if whole.runs else None,
        seconds_after=split.seconds if split.runs else None,
    )
    wanted = (GateCode.NOT_YES, GateCode.LATENCY)
    limits = limits_of(context.defaults.promptops)
    reasons = [one for one in check_gate(material, limits) if one.code in wanted]
    task_class, name = find_task_class(context, step), experiment.folder.name
    switches = AbilitySwitches.load(context.lab)
    if reasons:
        switches.turn_off("decomposition", task_class)
    else:
        switches.turn_on("decomposition", task_class, name, now)
    why = "; ".join(one.text for one in reasons)
    first = verdict.reasons[0].text if verdict.reasons else "no reason was recorded"
    state = f"stays off: {why}" if reasons else "is on"
    decision = SplitDecision(
        verdict_id=name,
        task_class=task_class,
        when=now,
        outcome=verdict.outcome,
        is_on=not reasons,
        codes=tuple(one.code.value for one in reasons),
        text=f"Asking {task_class!r} by parts {state}. {first}",
        whole=whole,
        split=split,
    )
    write_record(decisions_folder(context.lab) / f"{name}.json", decision)
    codes = list(decision.codes)
    note(context.lab, "split_trial", now, verdict_id=name, codes=codes, text=decision.text)
    return decision


def decisions_folder(lab: Lab) -> Path:
    """The folder of all decisions about asking by parts."""
    return lab.root / "promptops" / "split_trials"


def render_decision(decision: SplitDecision) -> str:
    """The decision and what each way took, as lines of a terminal."""
    lines = [decision.text]
    for name, use in (("whole", decision.whole), ("by parts", decision.split)):
        score = "-" if use.score is None else f"{use.score:.3f}"
        lines.append(
            f"  {name:<8} {use.runs} runs, score {score}; a question takes {use.calls:.1f} calls,"
            f" {use.tokens:.0f} tokens, {use.seconds:.1f} s, ${use.cost_usd:.5f}"
        )
    return "\n".join(lines)


def _measure(rows: Sequence[RunRow], side: Side) -> SideUse:
    records = [row.record for row in rows if row.record.side is side]
    if not records:
        return SideUse()
    ended = [one for one in records if one.status is Status.OK]
    number = len(records)
    tokens = sum(one.usage.input_tokens + one.usage.output_tokens for one in records)
    return SideUse(
        runs=number,
        score=sum(one.primary for one in records) / number,
        calls=sum(one.usage.calls for one in records) / number,
        tokens=tokens / number,
        seconds=sum(one.duration_seconds for one in ended) / max(1, len(ended)),
        cost_usd=sum(one.usage.cost_usd for one in records) / number,
    )
