"""SinceStart: every few merges, compare the current prompt with the first baseline."""

from collections.abc import Iterator

from prompt_lab.decide.ledger import origin_due
from prompt_lab.decide.verdict import Code, Evidence, Policy, Reason, decide
from prompt_lab.evaluate.answered import silent
from prompt_lab.evaluate.drift import SinceRecord, since_policy
from prompt_lab.evaluate.evidence import examine
from prompt_lab.evaluate.pairs import evidence_of
from prompt_lab.experiments.batches import BatchOrder, batch_for
from prompt_lab.experiments.budget_uses import uses
from prompt_lab.experiments.crash import note_taint
from prompt_lab.experiments.decision import all_pairs
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.findings import drift_findings, integrity_findings
from prompt_lab.experiments.gather import side_facts, summarise_batch, version_at
from prompt_lab.experiments.looks import all_judged
from prompt_lab.experiments.needs import Need
from prompt_lab.experiments.past import first_baseline, read_tried_changes
from prompt_lab.experiments.verdict_failure import VerdictFailed, report_failures
from prompt_lab.names import Side, Split
from prompt_lab.report.terminal import say
from prompt_lab.store.files import read_record
from prompt_lab.store.iterations import Conclusion, made_again, read_meta


def compare_since_start(experiment: Experiment) -> Iterator[Need]:
    """Compare all merges together with the first baseline, on the train plans.

    Runs that exist are used again. Writes since_start.json.
    """
    lab = experiment.context.lab
    meta = read_meta(lab, experiment.number, experiment.step)
    first, now = first_baseline(lab, experiment.step), _merged_commit(experiment)
    commits = {Side.BASELINE: first, Side.CANDIDATE: now}
    plans = meta.plans[Split.TRAIN]
    order = BatchOrder("since_start", Split.TRAIN, commits, meta.models, plans, meta.replicates)
    batch = batch_for(experiment, order)
    rows = yield from all_judged(experiment, batch)
    found = examine(rows, {side: side_facts(experiment, c, rows) for side, c in commits.items()})
    summary = summarise_batch(experiment, batch, rows)
    note_taint(experiment, batch, summary)
    findings = [
        *found,
        *silent(rows),
        *drift_findings(summary),
        *integrity_findings(summary, commits),
    ]
    prompts = (version_at(experiment, first), version_at(experiment, now))
    evidence = evidence_of(rows, findings, prompts=prompts)
    policy = since_policy(policy_of(experiment))
    try:
        with report_failures(experiment):
            verdict = decide(all_pairs(experiment, batch.name, rows), policy, evidence)
    except VerdictFailed as error:
        # the iteration is concluded, so a failure here must not block the lab
        reason = Reason(code=Code.OTHER, text=str(error))
        verdict = decide((), policy, Evidence(provenance=(reason,)))
    tried = read_tried_changes(lab, experiment.step)
    gains = [t.effect or 0.0 for t in tried if t.merged and t.reverted_after is None]
    record = SinceRecord(first=first, now=now, merges=len(gains), added=sum(gains), verdict=verdict)
    experiment.write("since_start.json", record.model_dump_json(indent=2) + "\n")
    say(record.text)


def _merged_commit(experiment: Experiment) -> str:
    path = experiment.folder / "conclusion.json"
    return read_record(path, Conclusion, fix=made_again(path)).merged_commit


def since_start_due(experiment: Experiment) -> bool:
    """Whether this iteration was merged, and enough merges happened since the last comparison."""
    policy = policy_of(experiment)
    found = uses(experiment.context, experiment.step, policy, before=experiment.number + 1)
    mine = [use for use in found if use.iteration == experiment.number]
    return any(use.merged for use in mine) and origin_due(found, policy.ledger.origin_every)


def policy_of(experiment: Experiment) -> Policy:
    """The policy that an iteration was prepared with."""
    return experiment.context.policy_of(
        read_meta(experiment.context.lab, experiment.number, experiment.step)
    )
