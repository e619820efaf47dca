"""Whether a deployed version that does worse is rolled back; another part carries it out."""

from collections.abc import Collection

from prompt_lab.production.measure import MeasurePolicy
from prompt_lab.production.version_records import RollbackDecision, VersionComparison


def decide_rollback(
    comparison: VersionComparison,
    *,
    policy: MeasurePolicy | None = None,
    pinned: Collection[str] = (),
) -> RollbackDecision:
    """Whether the newer version is flagged, and whether it is rolled back by itself.

    `pinned` are versions that a person pinned or forced: these are flagged and never undone.
    """
    policy = policy or MeasurePolicy()
    flagged = bool(comparison.worse)
    is_pinned = any(
        comparison.after.startswith(version) or version.startswith(comparison.after)
        for version in pinned
        if version
    )
    if not flagged:
        reason = "no measure is shown to be worse"
    elif is_pinned:
        reason = f"worse in {', '.join(comparison.worse)}; a person pinned or forced this version"
    elif policy.rollback == "automatic":
        reason = f"worse in {', '.join(comparison.worse)}; the policy rolls back"
    else:
        reason = f'worse in {", ".join(comparison.worse)}; reply "rollback" to return'
    return RollbackDecision(
        prompt_id=comparison.prompt_id,
        from_version=comparison.after,
        to_version=comparison.before,
        flagged=flagged,
        roll_back=flagged and policy.rollback == "automatic" and not is_pinned,
        reason=reason,
    )
