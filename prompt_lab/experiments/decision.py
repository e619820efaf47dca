"""Collect the evidence for a verdict, and call the decision engine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prompt_lab.decide.reason_order import FAILED_GUARDS_FIRST
from prompt_lab.decide.verdict import (
    Code,
    Pair,
    Policy,
    Reason,
    ReasonOrder,
    Screening,
    Trial,
    Verdict,
    fewest_sealed_plans,
    needs_verify_plans,
    screen,
    screened_out,
    sealed_view,
)
from prompt_lab.evaluate.evidence import no_observable_effect, recorded_answers_warning
from prompt_lab.evaluate.filtered import find_filter
from prompt_lab.evaluate.judged import (
    agreement_of,
    judged_pairs,
    judgements_on,
    shortfall,
    with_agreement,
)
from prompt_lab.evaluate.pairs import evidence_of, pairs_of
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.findings import (
    comparison_findings,
    find_summary,
    head_moved,
    merge_time_findings,
    recorded_findings,
)
from prompt_lab.experiments.gather import batch_of, rows_now, summary_file
from prompt_lab.experiments.merge_preview import missing_changes
from prompt_lab.experiments.needs import Need, SplitNeeded
from prompt_lab.experiments.ref_watch import find_moved_refs
from prompt_lab.experiments.revealed_plans import check_sealed
from prompt_lab.experiments.trials import (
    decision_policy,
    read_judgements,
    replicates_in,
    settle_trial,
    trial_of,
)
from prompt_lab.experiments.verdict_facts import VerdictFacts, gather_facts, read_facts
from prompt_lab.experiments.verdict_failure import report_failures
from prompt_lab.names import Split
from prompt_lab.records import RunRow
from prompt_lab.store.files import write_record
from prompt_lab.store.iterations import FACTS, VERDICT, IterationMeta, read_meta
from prompt_lab.store.sealed import SEALED_VERDICT


@dataclass(frozen=True)
class Case:
    """The evidence for and against a candidate."""

    policy: Policy
    train: Sequence[RunRow]
    verify: Sequence[RunRow] | None
    findings: Sequence[Reason]
    facts: VerdictFacts

    @property
    def holds_sealed_figures(self) -> bool:
        """Whether the verdict says how the sealed plans scored."""
        return self.policy.seals and self.verify is not None


@dataclass(frozen=True)
class _Gathered:
    """What both ways to decide start from. `verify` is None as long as nothing was run there."""

    meta: IterationMeta
    policy: Policy
    train: Sequence[RunRow]
    verify: Sequence[RunRow] | None
    findings: Sequence[Reason]
    facts: VerdictFacts
    order: ReasonOrder

    def case(self, train: Sequence[RunRow], verify: Sequence[RunRow] | None) -> Case:
        return Case(self.policy, train, verify, self.findings, self.facts)


def decide_iteration(
    experiment: Experiment,
    policy: Policy | None = None,
    *,
    found: Sequence[Reason] = (),
    order: ReasonOrder = FAILED_GUARDS_FIRST,
    recorded: Verdict | None = None,
) -> tuple[Verdict, Case]:
    """The verdict on what has been run so far, by the policy that the iteration was prepared with.

    `policy` asks what another one would have said; `found` voids the comparison as well; `order`
    is that of a recorded verdict. With `recorded`, the verdict that a replay computes again, the
    state of pull request, main and target comes from what was recorded then; a repository is read
    only for verdicts from before facts were recorded. Raises VerdictFailed where the decision
    engine does not get to a verdict.
    """
    with report_failures(experiment):
        gathered = _gather(experiment, policy, found, order, recorded)
        if gathered.policy.seals:
            return _decide_by_sealed(experiment, policy, gathered)
        return _decide_by_train(experiment, policy, gathered)


def _gather(
    experiment: Experiment,
    policy: Policy | None,
    found: Sequence[Reason],
    order: ReasonOrder,
    recorded: Verdict | None,
) -> _Gathered:
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    rows = rows_now(experiment, batch_of(experiment, "train"))
    read_verify = find_summary(experiment, Split.VERIFY) is not None
    verify = rows_now(experiment, batch_of(experiment, "verify")) if read_verify else None
    facts = read_facts(experiment) if recorded else None
    facts = facts or gather_facts(experiment, [*rows, *(verify or [])])
    findings = [
        *(recorded_findings(recorded, Code.HEAD_MOVED) if recorded else head_moved(experiment)),
        *(found or _base_findings(experiment, rows, recorded)),
    ]
    rule = decision_policy(experiment, policy)
    return _Gathered(meta, rule, rows, verify, findings, facts, order)


def _base_findings(
    experiment: Experiment, rows: Sequence[RunRow], recorded: Verdict | None
) -> list[Reason]:
    """The finding that the branch lacks changes of main: as recorded, else of these train runs."""
    known = merge_time_findings(experiment)
    return known if known or recorded else missing_changes(experiment, rows)


def _decide_by_train(
    experiment: Experiment, policy: Policy | None, gathered: _Gathered
) -> tuple[Verdict, Case]:
    """Rules 1 and 2: the looks are at the train plans, and the verify plans confirm at the end."""
    meta, rows, verify, facts = gathered.meta, gathered.train, gathered.verify, gathered.facts
    trial = trial_of(experiment, policy, ran=bool(rows), facts=facts)
    facts = facts.model_copy(update={"difficulty": trial.evidence.difficulty})
    known = read_judgements(experiment, "train")
    train = settle_trial(trial, rows, known)
    seen = agreement_of(judgements_on(train, known or {}))
    both = [*train, *(verify or [])]
    findings = [*comparison_findings(experiment, both, facts), *gathered.findings]
    kept = recorded_answers_warning(both)
    evidence = evidence_of(
        train,
        findings,
        prompts=facts.prompts,
        verify=None if verify is None else all_pairs(experiment, "verify", verify),
        violations=[
            *(shortfall(seen, meta.judge) if meta.judge else ()),
            *([kept.text] if kept else ()),
        ],
        remarks=[
            remark
            for remark in (find_filter(train, verify or []), kept, no_observable_effect(train))
            if remark
        ],
    )
    verdict = trial.conclude_with(evidence, gathered.order)
    verdict = verdict.model_copy(update={"follow_up_of": meta.follow_up_of})
    case = Case(trial.policy, train, verify, findings, facts)
    return with_agreement(verdict, seen, meta.judge) if meta.judge else verdict, case


def _decide_by_sealed(
    experiment: Experiment, policy: Policy | None, gathered: _Gathered
) -> tuple[Verdict, Case]:
    """Rule 3: the train plans screen the candidate, and the looks are at the sealed plans."""
    meta, train, facts = gathered.meta, gathered.train, gathered.facts
    screening = screen(all_pairs(experiment, "train", train), gathered.policy)
    trial = trial_of(experiment, policy, ran=bool(train), facts=facts)
    verify, known = gathered.verify, read_judgements(experiment, "verify")
    if verify is not None:
        verify = settle_trial(trial, verify, known, replicates_in(experiment, trial))
    both = [*train, *(verify or [])]
    findings = [*comparison_findings(experiment, both, facts), *gathered.findings]
    judged = {**(read_judgements(experiment, "train") or {}), **(known or {})}
    seen = agreement_of(judgements_on(both, judged))
    kept = recorded_answers_warning(both)
    filtered = find_filter(train, verify or [])
    remarks = [remark for remark in (filtered, kept, no_observable_effect(both)) if remark]
    case = Case(trial.policy, train, verify, findings, facts)
    if verify is None and not findings:
        verdict = _before_confirmation(screening, trial, kept)
        verdict = verdict.model_copy(update={"reasons": (*verdict.reasons, *remarks)})
    else:
        trial.close()
        evidence = evidence_of(
            verify or [],
            findings,
            prompts=facts.prompts,
            violations=[
                *(shortfall(seen, meta.judge, sealed=True) if meta.judge else ()),
                *([kept.text] if kept else ()),
            ],
            remarks=remarks,
        ).model_copy(update={"screening": screening})
        verdict = trial.conclude_with(evidence, gathered.order)
    verdict = verdict.model_copy(update={"follow_up_of": meta.follow_up_of})
    if meta.judge:  # the note goes with the verdict that is shown, so it is about train plans alone
        alone = agreement_of(judgements_on(train, judged))
        verdict = with_agreement(verdict, alone, meta.judge)
    return verdict, case


def _before_confirmation(screening: Screening, trial: Trial, recorded: Reason | None) -> Verdict:
    """The verdict of a screening, or with `needs_verify` what there is before a confirmation."""
    given = len(trial.plans)
    too_few = given < fewest_sealed_plans(trial.policy)
    verdict = needs_verify_plans(screening, trial.policy, given)
    if recorded is not None:  # they say nothing of the prompts: no YES, no NO, no sealed plan used
        reasons = verdict.reasons if too_few else (screening.reason,)
        violation = Reason(code=Code.VIOLATION, text=recorded.text)
        return verdict.model_copy(update={"reasons": (violation, *reasons)})
    if not screening.passed:
        return screened_out(screening, trial.policy)
    if too_few:
        return verdict
    return verdict.model_copy(update={"reasons": (screening.reason,), "needs_verify": True})


def write_verdict(experiment: Experiment) -> Iterator[Need]:
    """Decide on what has run; if that asks for the verify plans, run them and decide again.

    Writes verdict.json. Raises StoreError where the sealed plans were revealed meanwhile.
    """
    note_late_moves(experiment)
    verdict, case = decide_iteration(experiment)
    if verdict.needs_verify:
        if case.policy.seals:
            check_sealed(experiment)
        yield SplitNeeded(Split.VERIFY)
        verdict, case = decide_iteration(experiment)
    record_verdict(experiment, verdict, case)


def note_late_moves(experiment: Experiment) -> None:
    """Add refs that are known to have moved since the train runs were summarised to that summary.

    Another process may have noticed them later. They void the comparison, so that nothing is paid
    for on the verify plans.
    """
    summary = find_summary(experiment, Split.TRAIN)
    if summary is None or find_summary(experiment, Split.VERIFY) is not None:
        return
    moved = find_moved_refs(experiment)
    if set(moved) - set(summary.refs_moved) and not summary.skipped:
        summary = summary.model_copy(update={"refs_moved": moved})
        write_record(experiment.folder / summary_file(Split.TRAIN), summary)


def record_verdict(experiment: Experiment, verdict: Verdict, case: Case) -> Verdict:
    """Write the facts that the verdict was made from, then verdict.json.

    The figures of sealed plans go into a file of their own: verdict.json may be shown to all.
    Returns what may be shown.
    """
    write_record(experiment.folder / FACTS, case.facts)
    if case.holds_sealed_figures:
        write_record(experiment.folder / SEALED_VERDICT, verdict)
        verdict = sealed_view(verdict)
    write_record(experiment.folder / VERDICT, verdict)
    return verdict


def all_pairs(experiment: Experiment, batch: str, rows: Sequence[RunRow]) -> list[Pair]:
    """The pairs of a batch that is decided in one look; with scores, also incomplete pairs."""
    known = read_judgements(experiment, batch)
    return pairs_of(rows) if known is None else judged_pairs(rows, known)
