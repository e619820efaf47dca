"""After a merge: re-test it on fresh plans, report what turns out worse, and revert it if asked."""

from collections.abc import Iterator, Sequence

import numpy as np

from prompt_lab.clock import utc_now
from prompt_lab.decide.after_merge import RETEST, DifferenceRow, MergeCheck, check_merge
from prompt_lab.decide.looks import is_margin_test
from prompt_lab.decide.pairs import tabulate
from prompt_lab.decide.verdict import Reason
from prompt_lab.errors import StoreError
from prompt_lab.evaluate.answered import silent
from prompt_lab.evaluate.evidence import examine
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.commit import commit_lab
from prompt_lab.experiments.conclude import write_report
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.crash import note_taint, refuse_silence
from prompt_lab.experiments.decision import all_pairs
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.findings import drift_findings, integrity_findings
from prompt_lab.experiments.fresh_plans import fresh_plans
from prompt_lab.experiments.gather import rows_now, side_facts, summarise_batch
from prompt_lab.experiments.ledger import write_ledger
from prompt_lab.experiments.looks import all_judged, has_both_sides
from prompt_lab.experiments.needs import Need
from prompt_lab.experiments.revert import MergeRevert
from prompt_lab.names import Side, Split, count
from prompt_lab.records import RunRow
from prompt_lab.report.comment import escape
from prompt_lab.store.batch import Batch
from prompt_lab.store.counters import iterations
from prompt_lab.store.files import read_if_whole, write_record
from prompt_lab.store.iterations import RunsSummary, read_change, read_meta
from prompt_lab.store.retests import (
    RetestRecord,
    SealedRetest,
    finished_rounds,
    last_retest,
    retest_batch,
    retest_file,
    rows_after_merge,
    sealed_retest_file,
    stands_merged,
)


def next_round(experiment: Experiment) -> int:
    """The round of a merge's re-test that is not finished, from 1."""
    return len(finished_rounds(experiment.folder)) + 1


def merges_to_retest(context: LabContext, step: str, number: int = 0) -> list[Experiment]:
    """The merges with fresh plans or a begun re-test: of a step ('' for all), or one iteration.

    Raises StoreError where `number` names no merge that stands, and none that was re-tested.
    """
    found = [
        Experiment(context, its_step, its_number)
        for its_number, its_step in standing_merges(context, step)
        if number in (0, its_number)
    ]
    known = context.lab.iteration(number, iterations(context.lab).get(number, ""))
    if number and not found and last_retest(known) is None:
        raise StoreError(
            f"{context.lab.analysis}: iteration {number} is no merge that stands: give --number,"
            " a merged iteration that was not reverted, or leave it out for all of them"
        )
    return [one for one in found if _has_begun(one) or fresh_plans(one)]


def standing_merges(context: LabContext, step: str = "") -> list[tuple[int, str]]:
    """(number, step) of each merge that was not reverted, oldest first."""
    return [
        (number, its_step)
        for number, its_step in sorted(iterations(context.lab).items())
        if step in ("", its_step) and stands_merged(context.lab.iteration(number, its_step))
    ]


def retest(experiment: Experiment, number: int) -> Iterator[Need]:
    """Run a merge and the prompt before it on fresh plans, and decide on all rounds so far.

    What turns out worse is reported on the pull request, and reverted if the policy says so.
    Writes retest_<round>.json last. Raises StoreError where there is no fresh plan.
    """
    batch = _batch(experiment, number)
    if experiment.skip_runner:
        rows = rows_now(experiment, batch)
    else:
        rows = yield from all_judged(experiment, batch)
    if not has_both_sides(rows):
        raise StoreError(
            f"{experiment.folder}: the re-test's runs of one side are missing: leave --skip-runner"
            " out."
        )
    refuse_silence(experiment, batch, rows)
    void = _findings(experiment, batch, rows, number)
    measured = () if void else _differences(experiment, batch, rows)
    check = _check(experiment, [*rows_after_merge(experiment.folder), *measured])
    write_record(
        experiment.folder / sealed_retest_file(number), SealedRetest(rows=measured, check=check)
    )
    record = RetestRecord(
        iteration=experiment.number,
        round=number,
        state=check.state,
        text=_describe(experiment, check),
        void=void,
        when=utc_now(),
    )
    if check.state == "worse":
        _report_worse(experiment, record)
    write_record(experiment.folder / retest_file(number), record)
    write_report(experiment)
    write_ledger(experiment.context)
    message = f"Re-test iteration {experiment.number}, round {number}"
    commit_lab(experiment.context, message, when=record.when, number=experiment.number)


def describe_checks(context: LabContext, step: str, number: int = 0) -> str:
    """A line for each merge that stands or was re-tested: what its re-tests show."""
    lines = []
    for its_number, its_step in sorted(iterations(context.lab).items()):
        folder = context.lab.iteration(its_number, its_step)
        record, stands = last_retest(folder), stands_merged(folder)
        if step not in ("", its_step) or number not in (0, its_number):
            continue
        if stands or record is not None:
            state = "" if stands else " Reverted."
            text = record.text if record else "Not tested on a fresh plan yet."
            void = record.void[:1] if record else ()
            state += "".join(f" The last round is void: {reason.text}" for reason in void)
            lines.append(f"  {its_number}  {its_step}  {text}{state}")
    if not lines:
        return "No merge stands, so there is nothing to check."
    return "\n".join([f"{count(len(lines), 'merge')} checked on plans that came later:", *lines])


def describe_retests(context: LabContext, step: str, number: int = 0) -> str:
    """What the re-tests would run. Writes nothing."""
    with context.temporary_work_folder():
        lines = [_would_run(one) for one in merges_to_retest(context, step, number)]
    if not lines:
        place = context.lab.plans(Split.VERIFY)
        return f"No merge has a fresh plan. New plans, one folder each, go into {place}."
    return "\n".join(["Dry run of the re-tests. Nothing is run or written.", *lines])


def _would_run(experiment: Experiment) -> str:
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    plans = fresh_plans(experiment)
    calls = 2 * len(plans) * len(meta.models)
    return (
        f"  {experiment.number}  {experiment.step}  {count(len(plans), 'fresh plan')},"
        f" at most {count(calls, 'run')} on both sides"
    )


def _has_begun(experiment: Experiment) -> bool:
    name = f"batch_{retest_batch(next_round(experiment))}.json"
    return (experiment.folder / name).exists()


def _batch(experiment: Experiment, number: int) -> Batch:
    """The runs of a round, planned at its first start."""
    name = retest_batch(number)
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    plans: Sequence[str] = ()
    if not (experiment.folder / f"batch_{name}.json").exists():
        experiment.context.select_models(meta.models)
        plans = fresh_plans(experiment)
        if not plans:
            raise StoreError(
                f"Iteration {experiment.number} has no fresh plan to be re-tested on: put new"
                f" ones, one folder each, into {experiment.context.lab.plans(Split.VERIFY)}"
            )
    commits = {Side.BASELINE: change.base_commit, Side.CANDIDATE: change.commit}
    order = BatchOrder(name, Split.VERIFY, commits, meta.models, plans, 1, reuses_sampled=False)
    return batch_for(experiment, order)


def _findings(
    experiment: Experiment, batch: Batch, rows: Sequence[RunRow], number: int
) -> tuple[Reason, ...]:
    """What makes the round's runs no evidence. Refs that moved before the round do not count."""
    summary = summarise_batch(experiment, batch, rows)
    earlier = [
        read_if_whole(experiment.folder / f"runs_{retest_batch(one)}.json", RunsSummary)
        for one in range(1, number)
    ]
    known = {ref for one in earlier if one for ref in one.refs_moved}
    moved = tuple(ref for ref in summary.refs_moved if ref not in known)
    write_record(experiment.folder / f"runs_{batch.name}.json", summary)
    summary = summary.model_copy(update={"refs_moved": moved})
    note_taint(experiment, batch, summary)
    facts = {side: side_facts(experiment, c, rows) for side, c in batch.commits.items()}
    return (
        *examine(rows, facts),
        *silent(rows),
        *drift_findings(summary),
        *integrity_findings(summary, batch.commits),
    )


def _differences(
    experiment: Experiment, batch: Batch, rows: Sequence[RunRow]
) -> tuple[DifferenceRow, ...]:
    """One row per plan, ordered by their digests, which are independent of the scores."""
    table = tabulate(all_pairs(experiment, batch.name, rows), one_sided=True)
    found = [
        DifferenceRow(source=RETEST, unit=plan, difference=float(value))
        for plan, value in zip(table.plans, table.values, strict=True)
        if np.isfinite(value)
    ]
    return tuple(sorted(found, key=lambda row: batch.plans.get(row.unit, "")))


def _check(experiment: Experiment, rows: Sequence[DifferenceRow]) -> MergeCheck:
    """By the policy that the merge was decided with: alpha and margin stay what they were."""
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    policy = experiment.context.policy_of(meta)
    margin = policy.harm_margin if is_margin_test(policy) else 0.0
    return check_merge(rows, alpha=policy.retest_alpha, margin=margin)


def _describe(experiment: Experiment, check: MergeCheck) -> str:
    """Without figures where the plans also decide about candidates to come."""
    context = experiment.context
    seals = context.policy(context.defaults.policy).seals
    return check.sealed_text if seals else check.text


def _report_worse(experiment: Experiment, record: RetestRecord) -> None:
    """Comment on the merged pull request, then revert it if the lab's policy says so."""
    context, number = experiment.context, experiment.number
    meta = read_meta(context.lab, number, experiment.step)
    change = read_change(context.lab, number, experiment.step)
    if change.pull is not None:
        body = (
            f"## Worse after the merge\n\nIteration {number}: {escape(record.text)}\n\n"
            f"`prompt-lab revert --number {number}` takes it back.\n"
        )
        host = context.code_host(meta.target)
        host.comment(change.pull, key=f"retest-{number}", body=body, when=record.when)
    action = context.policy(context.defaults.policy).revert_when_worse
    if action != "report":
        MergeRevert(context, number, record.text, leave_open=action == "leave_open").run()
