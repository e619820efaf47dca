"""Conclude: the verdict as a comment on the pull request, then merge or close. Report: the page."""

from prompt_lab.agents.publication import escape_line
from prompt_lab.clock import utc_now
from prompt_lab.decide.verdict import Code, Verdict, explain
from prompt_lab.errors import CodeHostError, HeadMoved, MergeConflict, MergeRefused
from prompt_lab.experiments.decision import decide_iteration, record_verdict
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.findings import base_moved, head_moved
from prompt_lab.experiments.pages import report_view
from prompt_lab.experiments.promotion import (
    is_promoted,
    promote_candidate,
    record_merge,
    undo_promotion,
)
from prompt_lab.experiments.registry_target import take_snapshot
from prompt_lab.names import Outcome, PullState
from prompt_lab.ports import CodeHost
from prompt_lab.records import Change, Pull
from prompt_lab.report.comment import verdict_comment
from prompt_lab.report.page import render_report
from prompt_lab.store.files import read_record
from prompt_lab.store.iterations import Conclusion, made_again, read_change, read_meta

LABELS = {
    Outcome.CONDITIONAL: "prompt-lab: conditional",
    Outcome.INVALID: "prompt-lab: invalid",
}
CONFLICT, REFUSED = "prompt-lab: conflict", "prompt-lab: merge refused"
APPROVAL = "prompt-lab: awaits approval"
AWAITS = "awaits approval"
OURS = {*LABELS.values(), CONFLICT, REFUSED, APPROVAL}


def conclude(experiment: Experiment) -> None:
    """Comment with the verdict, then merge, close or label. Writes conclusion.json.

    Every call may be repeated after a crash without a second effect.
    """
    lab = experiment.context.lab
    meta = read_meta(lab, experiment.number, experiment.step)
    change = read_change(lab, experiment.number, experiment.step)
    host = experiment.context.code_host(meta.target)
    try:
        conclusion = _conclude(experiment, host, change)
    except HeadMoved:  # between our last check and the merge: INVALID is reported instead
        conclusion = _conclude(experiment, host, change)
    experiment.write("conclusion.json", conclusion.model_dump_json(indent=2) + "\n")


def write_report(experiment: Experiment) -> str:
    """Render report.html; its address for a browser, or its path."""
    experiment.write("report.html", render_report(report_view(experiment)))
    return experiment.context.page(experiment.folder / "report.html")


def _conclude(experiment: Experiment, host: CodeHost, change: Change) -> Conclusion:
    number, now = change.pull, utc_now()
    if number is None:
        raise CodeHostError(f"{experiment.folder / 'change.json'}: names no pull request.")
    verdict = _current_verdict(experiment, host, number)
    body = verdict_comment(report_view(experiment))
    host.comment(number, key=f"verdict-{experiment.number}", body=body, when=now)
    why = explain(verdict).text if verdict.reasons else f"iteration {experiment.number}"
    host.status(number, commit=change.commit, outcome=verdict.outcome, text=why, when=now)
    action, merged, snapshot = _act(experiment, host, change, verdict.outcome, when=now)
    return Conclusion(
        outcome=verdict.outcome.value,
        pull=number,
        action=action,
        merged_commit=merged,
        snapshot=snapshot,
        when=now,
    )


def _current_verdict(experiment: Experiment, host: CodeHost, number: int) -> Verdict:
    """The verdict as it may be shown; INVALID if branch or main has moved since the runs."""
    path = experiment.folder / "verdict.json"
    verdict = read_record(path, Verdict, fix=made_again(path))
    known = any(reason.code is Code.HEAD_MOVED for reason in verdict.reasons)
    if head_moved(experiment) and not known:
        verdict = record_verdict(experiment, *decide_iteration(experiment))
    if verdict.outcome is Outcome.YES and host.get(number).state is PullState.OPEN:
        meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
        host.refresh(meta.main)
        change = read_change(experiment.context.lab, experiment.number, experiment.step)
        if not is_promoted(experiment, change):
            take_snapshot(experiment.context, meta.target, when=utc_now())
        found = base_moved(experiment)
        if found:
            verdict = record_verdict(experiment, *decide_iteration(experiment, found=found))
    return verdict


def _act(
    experiment: Experiment, host: CodeHost, change: Change, outcome: Outcome, *, when: str
) -> tuple[str, str, str]:
    """Act on the pull request. Returns (action, merge commit or '', promoted snapshot or '')."""
    number = change.pull
    assert number is not None
    pull = host.get(number)
    action, merged, snapshot = f"{pull.state.value} by another user", "", ""
    if outcome is Outcome.YES and pull.state is PullState.OPEN and _waits(experiment, change):
        action = AWAITS
    elif outcome is Outcome.YES and pull.state is not PullState.CLOSED:
        action = "merged"
        merged, snapshot = _promote(experiment, host, pull, change, when=when)
    elif outcome is Outcome.NO and pull.state is not PullState.MERGED:
        if pull.state is PullState.OPEN:
            host.close(number, when=when)
        action = "closed"
    elif pull.state is PullState.OPEN:
        action = "left open"
    label = LABELS[outcome] if action == "left open" else APPROVAL if action == AWAITS else ""
    _relabel(host, pull, label, when=when)
    return action, merged, snapshot


def _waits(experiment: Experiment, change: Change) -> bool:
    """Whether a person has still to promote the candidate."""
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    return meta.awaits_approval and not is_promoted(experiment, change)


def _promote(
    experiment: Experiment, host: CodeHost, pull: Pull, change: Change, *, when: str
) -> tuple[str, str]:
    """Promote a registry prompt, then merge. Returns (merge commit, promoted snapshot or '').

    A promotion whose merge fails is rolled back; one whose process is killed between the two is
    completed by the same command.
    """
    row = promote_candidate(experiment, change, when=when)
    try:
        merged = _merge_pull(host, pull, change, when=when)
    except CodeHostError as error:
        undo_promotion(experiment, row, error)
        raise
    record_merge(experiment, change, merged, when=when)
    return merged, row.to_snapshot if row else ""


def _merge_pull(host: CodeHost, pull: Pull, change: Change, *, when: str) -> str:
    """Merge, and return the merge commit. Raises CodeHostError if a person must act first."""
    message = f"Merge #{pull.number}: {escape_line(change.title)}"
    try:
        return host.merge(pull.number, expected_head=change.commit, message=message, when=when)
    except HeadMoved:
        raise
    except CodeHostError as error:
        if isinstance(error, MergeRefused):
            wanted = CONFLICT if isinstance(error, MergeConflict) else REFUSED
            _relabel(host, pull, wanted, when=when)
        then = (
            "Then run the same command again: it ends this iteration, since the branch has a commit"
            f" that was not tested. Test that one with --pr {pull.number}."
            if isinstance(error, MergeConflict)
            else "After that, run the same command again."
        )
        raise type(error)(
            f"The verdict is YES, but #{pull.number} cannot be merged: {error}. {then}"
        ) from error


def _relabel(host: CodeHost, pull: Pull, wanted: str, *, when: str) -> None:
    """Keep only the current one of our labels, '' for none; labels of others are unchanged."""
    if wanted:
        host.label(pull.number, wanted, when=when)
    for label in pull.labels:
        if label in OURS and label != wanted:
            host.unlabel(pull.number, label, when=when)
