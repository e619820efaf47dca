"""Challenge sets of questions: failed, doubtful and disputed calls, golden suites, healthy calls.

Same log, same set, same version: plans are named by their questions, chosen by hashes and strata,
and split by the set's seed. Healthy calls with a known answer belong to it too: without them a
candidate could win by repairing some questions and breaking others.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import zip_longest
from typing import Final, Literal, NamedTuple

from rapidfuzz import fuzz, process

from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.errors import StoreError
from prompt_lab.evaluate.challenge_sets import ChallengeSet
from prompt_lab.evaluate.normalize import normalize_text
from prompt_lab.experiments.challenge_files import grow_set, read_set
from prompt_lab.experiments.context import LabContext
from prompt_lab.names import Split
from prompt_lab.outcomes import CallOutcome
from prompt_lab.promptops.expectations import list_numbers
from prompt_lab.promptops.question_plans import (
    GoldenCase,
    build_question_plan,
    name_plan,
    question_file,
)
from prompt_lab.store.files import disk_errors
from prompt_lab.store.layout import Lab

LOW_CONFIDENCE: Final = 0.5
SAME_QUESTION: Final = 92.0
"""Similarity of two questions (rapidfuzz ratio, of 100) from which one of them is enough. Equal
numbers are asked for besides: machine 7 is not machine 8."""
Reason = Literal["disputed", "failed", "low_confidence", "golden", "healthy"]


class ChallengeGrowth(NamedTuple):
    """What became of the calls and cases that were offered to a set.

    `added` counts new plans by reason. The rest was left out: `known` already, too much like a
    question that is there (`similar`), without anything to score by (`unscorable`), or over the
    number of one round (`over`).
    """

    set: ChallengeSet
    added: dict[str, int]
    known: int
    similar: int
    unscorable: int
    over: int


class _Case(NamedTuple):
    name: str
    reason: Reason
    task_class: str
    source: str
    question: str
    files: Mapping[str, str]


def challenge_set_name(prompt_id: str) -> str:
    """The name of a prompt's set of questions; that of recorded turns is the prompt's id alone."""
    return f"{prompt_id}.questions"


def read_challenge_set(lab: Lab, prompt_id: str) -> ChallengeSet:
    """The set of a prompt, empty before the first growth. Raises StoreError."""
    return read_set(lab, challenge_set_name(prompt_id))


def grow_challenge_set(
    context: LabContext,
    prompt_id: str,
    outcomes: Iterable[CallOutcome],
    golden: Iterable[GoldenCase],
    config: PromptOpsConfig,
    when: str,
    *,
    task_class: str = "",
) -> ChallengeGrowth:
    """Add plans of one prompt, at most `plans_per_round`; `task_class` chooses the golden cases.

    Every stratum (reason and task class) gives the same number, as long as it has so many.
    Nothing of what is there is changed. May be repeated.
    """
    lab = context.lab
    before = read_challenge_set(lab, prompt_id)
    there = {one.name for one in before.entries}
    cases: dict[str, _Case] = {}
    known = unscorable = 0
    for case in _list_cases(prompt_id, outcomes, golden, task_class):
        if case.name in there or case.name in cases:
            known += 1
        elif not case.files:
            unscorable += 1
        else:
            cases[case.name] = case
    chosen, similar, over = _choose(
        list(cases.values()),
        list(read_questions(lab, before, prompt_id).values()),
        config.plans_per_round,
    )
    grown = grow_set(
        context,
        challenge_set_name(prompt_id),
        {case.name: case.files for case in chosen},
        {case.name: (case.source, case.reason) for case in chosen},
        when=when,
    )
    added: dict[str, int] = {}
    for case in chosen:
        added[case.reason] = added.get(case.reason, 0) + 1
    return ChallengeGrowth(grown, dict(sorted(added.items())), known, similar, unscorable, over)


def why_chosen(outcome: CallOutcome) -> Reason | None:
    """Why a call belongs in a challenge set; None where nothing is known of it."""
    if outcome.is_disputed:
        return "disputed"
    failed = outcome.error or outcome.parsed is False or outcome.schema_ok is False
    if failed or outcome.succeeded is False:
        return "failed"
    if outcome.confidence is not None and outcome.confidence < LOW_CONFIDENCE:
        return "low_confidence"
    return "healthy" if outcome.succeeded else None


def _list_cases(
    prompt_id: str,
    outcomes: Iterable[CallOutcome],
    golden: Iterable[GoldenCase],
    task_class: str,
) -> Iterable[_Case]:
    """Golden cases first, then calls by time: where two are equal, the first one counts."""
    for case in sorted(golden, key=lambda one: one.id):
        if case.prompt_id in ("", prompt_id) and (
            case.prompt_id or case.task_class in ("", task_class)
        ):
            yield _make_case(
                prompt_id, "golden", case.task_class, f"golden:{case.id}", case.query,
                case.model_dump(), case.sources,
            )  # fmt: skip
    of_prompt = (one for one in outcomes if one.prompt_id == prompt_id and one.question.strip())
    for one in sorted(of_prompt, key=lambda row: (row.when, row.trace)):
        reason = why_chosen(one)
        if reason is not None:
            yield _make_case(
                prompt_id, reason, one.task_class, one.trace, one.question, one.expected,
                one.sources,
            )  # fmt: skip


def _make_case(
    prompt_id: str,
    reason: Reason,
    task_class: str,
    source: str,
    question: str,
    expected: Mapping[str, object],
    sources: Sequence[str],
) -> _Case:
    files = build_question_plan(prompt_id, question, expected, sources) or {}
    name = name_plan(prompt_id, question)
    return _Case(name, reason, task_class, source, question, files)


def _choose(
    cases: Sequence[_Case], questions: Sequence[str], most: int
) -> tuple[list[_Case], int, int]:
    """(chosen, too similar, over the limit): one of each stratum in turn, in the order of a hash.

    The strata take their turns by name, so no order of the log can move a plan.
    """
    strata: dict[tuple[str, str], list[_Case]] = {}
    for case in sorted(cases, key=lambda one: sha256(one.name.encode()).hexdigest()):
        strata.setdefault((case.reason, case.task_class), []).append(case)
    turns = zip_longest(*(strata[key] for key in sorted(strata)))
    seen = [normalize_text(one) for one in questions]
    chosen: list[_Case] = []
    similar = over = 0
    for case in (one for turn in turns for one in turn if one is not None):
        text = normalize_text(case.question)
        if _is_similar(text, seen):
            similar += 1
        elif len(chosen) >= most:
            over += 1
        else:
            chosen.append(case)
            seen.append(text)
    return chosen, similar, over


def _is_similar(text: str, others: Sequence[str]) -> bool:
    near = process.extract(text, others, scorer=fuzz.ratio, score_cutoff=SAME_QUESTION, limit=None)
    return any(list_numbers(text) == list_numbers(found) for found, _, _ in near)


def read_questions(lab: Lab, known: ChallengeSet, prompt_id: str) -> dict[str, str]:
    """Plan -> question, without its sources, of the plans that are on this machine."""
    found: dict[str, str] = {}
    for split in Split:
        for name in known.names(split):
            path = lab.plans(split) / name / question_file(prompt_id)
            if not path.is_file():
                continue
            with disk_errors(path):
                try:
                    text = path.read_text(encoding="utf-8")
                except UnicodeDecodeError as error:
                    raise StoreError(
                        f"{path}: is not UTF-8 text. Delete the plan's folder; the next growth of"
                        " the set makes it again."
                    ) from error
            found[name] = text.split("\n\n[1] ")[0].strip()
    return found
