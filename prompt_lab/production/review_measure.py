"""What deployed versions did since, and the rollback that a policy orders."""

from collections.abc import Iterator

from prompt_lab.errors import LabError
from prompt_lab.experiments.promotion import WORKER
from prompt_lab.production.detect import find_history_start
from prompt_lab.production.history_sections import render_comparison
from prompt_lab.production.measure import compare_versions, measure_versions
from prompt_lab.production.review_run import MEASURED, ReviewRun
from prompt_lab.production.rollback_policy import decide_rollback
from prompt_lab.production.settings import measure_policy
from prompt_lab.production.version_records import RollbackDecision, VersionComparison
from prompt_lab.prompts.snapshots import PromotionKind
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import write_record
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import open_registry
from prompt_lab.traces import Window


class MeasuredVersions(Record):
    """measured.json: the current version of each prompt against the one before it."""

    version: int = VERSION
    comparisons: tuple[VersionComparison, ...] = ()
    decisions: tuple[RollbackDecision, ...] = ()
    rolled_back: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def measure(run: ReviewRun) -> MeasuredVersions:
    """Compare versions over the history, roll back where the policy says so; measured.json."""
    observed = run.read_observed()
    window = Window(find_history_start(run.traces, observed.window), observed.at)
    versions = measure_versions(run.traces.read(window), run.traces.read_feedback(window))
    policy = measure_policy(run.context.defaults.production)
    registry = open_registry(run.context.lab)
    pinned = {version for version, _ in _list_forced(registry)}
    comparisons, decisions = list[VersionComparison](), list[RollbackDecision]()
    for prompt_id, sessions in versions.items():
        compared = compare_versions(prompt_id, sessions, policy=policy)
        if compared is not None:
            comparisons.append(compared)
            decisions.append(decide_rollback(compared, policy=policy, pinned=pinned))
    done, notes = list[str](), list[str]()
    for decision in decisions:
        if decision.roll_back:
            text = roll_back_version(registry, decision, when=observed.at)
            (notes if text else done).append(text or decision.prompt_id)
    measured = MeasuredVersions(
        comparisons=tuple(comparisons),
        decisions=tuple(decisions),
        rolled_back=tuple(done),
        notes=tuple(notes),
    )
    write_record(run.folder / MEASURED, measured)
    return measured


def roll_back_version(registry: PromptRegistry, decision: RollbackDecision, *, when: str) -> str:
    """Undo the promotion of one version; why not, or ''. A version that is gone is left alone.

    A snapshot holds all prompts: where another was changed since, a person has to choose.
    """
    name = decision.prompt_id
    current = registry.files.read_pointer()
    if current is None or name not in registry.files.read_snapshot(current.to_snapshot).prompts:
        return f"{name!r} is no prompt of the registry"
    held = registry.files.read_snapshot(current.to_snapshot).prompts[name]
    if not held.startswith(decision.from_version):
        return ""  # rolled back or replaced already
    for row in reversed(registry.files.read_journal()):
        if row.to_snapshot != current.to_snapshot or not row.from_snapshot:
            continue
        before = registry.files.read_snapshot(row.from_snapshot).prompts.get(name, "")
        if before.startswith(decision.to_version):
            reason = f"{name}: version {decision.from_version[:8]} is {decision.reason}"
            try:
                registry.roll_back(row.from_snapshot, PromotionReason(WORKER, reason, when))
            except LabError as error:
                return str(error)
            return ""
    return (
        f"{name!r}: version {decision.from_version[:8]} does worse, but other prompts were changed"
        " since. Choose a snapshot with `prompt-lab prompts history`."
    )


def _list_forced(registry: PromptRegistry) -> Iterator[tuple[str, str]]:
    """(version, prompt id) of every forced promotion."""
    for row in registry.files.read_journal(kind=PromotionKind.FORCE):
        prompts = registry.files.read_snapshot(row.to_snapshot).prompts
        for name in row.forced:
            yield prompts[name], name


def describe_measured(measured: MeasuredVersions) -> list[str]:
    """Each comparison, which says that it is observational, and its decision."""
    lines = []
    for compared, decision in zip(measured.comparisons, measured.decisions, strict=True):
        lines += render_comparison(compared).splitlines()
        if decision.flagged:
            lines.append(f"{compared.prompt_id}: {decision.reason}")
    return [*lines, *measured.notes] if lines else ["No prompt has two versions to compare."]
