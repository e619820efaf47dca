"""The release gate: whether what is served now may be released, with codes that say what to do."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Final, Literal

from prompt_lab.promptops.drift_safety import DriftFinding
from prompt_lab.promptops.slo_records import AlertCode, SloReport
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import write_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_registry import PromptRegistry
from prompt_lab.store.prompt_verdicts import find_trial_verdict
from prompt_lab.store.prompt_verify import verify_registry

Part = Literal["all", "policy", "perf"]
ReleaseCode = AlertCode | Literal["drift_safety", "registry_damaged"]
_PERF: Final = frozenset({"latency_exceeded", "cost_exceeded", "stale_metrics"})
_POLICY: Final = frozenset(
    {"drift_safety", "registry_damaged", "forced_canary", "rollback_rate", "template_churn"}
)
PARTS: Final[Mapping[Part, frozenset[str]]] = {"policy": _POLICY, "perf": _PERF}


class ReleaseReason(Record):
    """Why a release is blocked: the code, where, and what to do."""

    code: ReleaseCode
    where: str
    text: str


class ReleaseDecision(Record):
    """promptops/artifacts/release.json."""

    version: int = VERSION
    when: str
    part: Part
    allowed: bool
    reasons: tuple[ReleaseReason, ...]


def decide_release(
    report: SloReport, faults: Iterable[ReleaseReason] = (), part: Part = "all"
) -> ReleaseDecision:
    """Blocked by every alert of the report and every fault that belongs to the part."""
    alerts = (ReleaseReason(code=o.code, where=o.where, text=o.text) for o in report.alerts)
    chosen = PARTS.get(part)
    reasons = tuple(one for one in (*faults, *alerts) if chosen is None or one.code in chosen)
    return ReleaseDecision(when=report.when, part=part, allowed=not reasons, reasons=reasons)


def find_faults(
    lab: Lab, registry: PromptRegistry, drift: Iterable[DriftFinding]
) -> Iterator[ReleaseReason]:
    """What is wrong with guard and registry: unsafe texts that pass, current ones that do not.

    Raises StoreError where the registry cannot be read at all.
    """
    yield from report_drift(drift)
    if not registry.files.pointer.exists():
        return
    for fault in verify_registry(registry.files, partial(find_trial_verdict, lab)):
        text = f"{fault}: restore it from the lab's git history, then `prompt-lab prompts verify`"
        yield ReleaseReason(code="registry_damaged", where="prompts", text=text)
    for prompt_id in sorted(registry.read_current()[1].prompts):
        refusals = registry.guard(prompt_id, registry.read_text(prompt_id))
        if refusals:
            codes = ", ".join(one.code.value for one in refusals)
            text = f"the guard refuses its current text ({codes}): roll it back, or correct its"
            text += " manifest"
            yield ReleaseReason(code="drift_safety", where=prompt_id, text=text)


def report_drift(findings: Iterable[DriftFinding]) -> Iterator[ReleaseReason]:
    """Each unsafe rewrite that the guard lets pass, or refuses for another reason."""
    for one in findings:
        if not one.is_refused:
            said = ", ".join(sorted(one.codes)) or "nothing"
            text = f"the guard should say {one.expected} and says {said}: do not promote anything"
            text += " until it is extended"
            yield ReleaseReason(code="drift_safety", where=one.id, text=text)


def write_decision(lab: Lab, decision: ReleaseDecision) -> None:
    """Keep the decision as promptops/artifacts/release.json."""
    write_record(lab.root / "promptops" / "artifacts" / "release.json", decision)


def render_decision(decision: ReleaseDecision) -> str:
    """The decision as lines for a terminal."""
    if decision.allowed:
        return "The release may go on: no limit is missed."
    head = f"The release is blocked for {len(decision.reasons)} reason(s):"
    return "\n".join([head, *(f"  {o.code}: {o.where}: {o.text}" for o in decision.reasons)])
