"""The end of a round: its best candidate goes on live traffic, or stays in review with codes."""

from collections.abc import Iterable
from pathlib import Path

from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.decide.canary import OfflineTrial
from prompt_lab.errors import LabError
from prompt_lab.experiments.challenge_files import list_present
from prompt_lab.names import Outcome, Split
from prompt_lab.promptops.canary import CanaryCandidate, start_canary
from prompt_lab.promptops.challenge import read_challenge_set
from prompt_lab.promptops.gate import GateLimits, GateMaterial, GateReason, check_gate
from prompt_lab.promptops.journal import note
from prompt_lab.promptops.optimizer_run import OptimizerRun
from prompt_lab.promptops.records import Provenance
from prompt_lab.promptops.rounds import (
    FIX,
    GATED,
    TRIED,
    Gated,
    Proposed,
    RoundCandidate,
    TriedVariants,
    list_rounds,
)
from prompt_lab.promptops.wear import LEAKING_OVERLAP, MOST_CONFIRMATIONS, measure_wear
from prompt_lab.prompts.snapshots import PromotionRefused
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_if_whole, read_record, write_record
from prompt_lab.store.layout import Lab
from prompt_lab.traces import ALL_TIME

LEAST_SEALED = 10
"""Sealed plans without which no candidate passes, however few outcomes a lab asks for."""


class CandidateState(Record):
    """promptops/candidates/<sha256>.json: a text that was tried, and why it is not applied."""

    version: int = VERSION
    prompt_id: str
    sha256: str
    round: str
    when: str
    state: str
    codes: tuple[str, ...]
    text: str
    provenance: Provenance


def candidate_file(lab: Lab, digest: str) -> Path:
    """Where the state of a tried text is."""
    return lab.root / "promptops" / "candidates" / f"{digest}.json"


def decide_round(run: OptimizerRun, name: str) -> Gated:
    """Ask the gate; start the canary of what passes. Writes gated.json; once written it stands."""
    folder = run.folder(name)
    known = read_if_whole(folder / GATED, Gated)
    if known is not None:
        return known
    proposed = run.read_proposed(name)
    tried = read_record(folder / TRIED, TriedVariants, fix=FIX)
    best = next((one for one in proposed.sound if one.sha256 == tried.candidate), None)
    gated = _decide(run, proposed, tried, best)
    for one in proposed.candidates:
        _keep_state(run, name, proposed, one, gated if one is best else None)
    note(
        run.context.lab,
        "round_ended",
        run.now,
        round=name,
        prompt_id=proposed.prompt_id,
        decision=gated.decision,
        codes=list(gated.codes),
        verdict_id=tried.verdict_id,
        candidate=tried.candidate,
    )
    write_record(folder / GATED, gated)
    return gated


def _decide(
    run: OptimizerRun, proposed: Proposed, tried: TriedVariants, best: RoundCandidate | None
) -> Gated:
    reasons = check_gate(_material(run, proposed, tried, best), limits_of(run.config))
    if reasons or best is None:
        return _review(run.now, proposed, tried, reasons)
    try:
        canary = start_canary(
            run.live_traffic,
            CanaryCandidate(
                proposed.prompt_id,
                best.text,
                verdict_id=tried.verdict_id,
                offline=OfflineTrial(tried.plans, tried.alpha),
            ),
            seed=len(list_rounds(run.context.lab)),
            now=run.now,
        )
    except (PromotionRefused, LabError) as error:
        text = f"{proposed.prompt_id!r} stays in review: {error}"
        return Gated(when=run.now, decision="in review", codes=("refused",), text=text)
    share = f"{canary.share:.0%}"
    text = (
        f"{proposed.prompt_id!r}: a variant of operator {best.provenance.operator} had a YES"
        f" ({tried.verdict_id}) and is a canary on {share} of the units, beside {share} of control."
    )
    return Gated(when=run.now, decision="canary", text=text)


def _review(
    now: str, proposed: Proposed, tried: TriedVariants, reasons: Iterable[GateReason]
) -> Gated:
    found = tuple(reasons)
    words = "; ".join(one.text for one in found)
    why = f" ({tried.text})" if tried.outcome is not Outcome.YES else ""
    return Gated(
        when=now,
        decision="in review",
        codes=tuple(one.code.value for one in found),
        text=f"{proposed.prompt_id!r} keeps its text: {words}{why}.",
    )


def _material(
    run: OptimizerRun, proposed: Proposed, tried: TriedVariants, best: RoundCandidate | None
) -> GateMaterial:
    challenge = read_challenge_set(run.context.lab, proposed.prompt_id)
    refusals = run.registry.guard(proposed.prompt_id, best.text) if best else ()
    wear = measure_wear(run.context.lab, proposed.prompt_id, best.text) if best else None
    own = [
        one
        for one in run.outcomes.summary(ALL_TIME)
        if best is not None and (one.prompt_id, one.variant) == (proposed.prompt_id, best.sha256)
    ]
    return GateMaterial(
        outcome=tried.outcome,
        tested=tried.candidate,
        candidate=best.sha256 if best else "",
        sealed_plans=len(list_present(run.context.lab, challenge, Split.VERIFY)),
        refusals=refusals,
        score=tried.score,
        seconds_before=tried.seconds_before,
        seconds_after=tried.seconds_after,
        thumbs=(sum(one.thumbs_up for one in own), sum(one.thumbs_down for one in own)),
        leak_share=wear.overlap if wear else 0.0,
        uses=wear.confirmations if wear else 0,
    )


def limits_of(config: PromptOpsConfig) -> GateLimits:
    """The gate's limits by the lab's config."""
    return GateLimits(
        least_plans=min(config.least_support, LEAST_SEALED),
        least_score=config.least_score,
        latency_budget_seconds=config.latency_budget_ms / 1e3,
        most_leak=LEAKING_OVERLAP,
        most_uses=MOST_CONFIRMATIONS,
    )


def _keep_state(
    run: OptimizerRun,
    name: str,
    proposed: Proposed,
    candidate: RoundCandidate,
    gated: Gated | None,
) -> None:
    codes = candidate.refused or (gated.codes if gated else ("not_the_best",))
    state = CandidateState(
        prompt_id=proposed.prompt_id,
        sha256=candidate.sha256,
        round=name,
        when=run.now,
        state=gated.decision if gated else "in review",
        codes=codes,
        text=candidate.why or (gated.text if gated else "another variant of its round was better"),
        provenance=candidate.provenance,
    )
    write_record(candidate_file(run.context.lab, candidate.sha256), state)
