"""Take back what the last review deployed, at a person's word."""

from prompt_lab.production.deploy import ItemDeployer, list_reasons
from prompt_lab.production.review_context import ReviewContext
from prompt_lab.prompts.snapshots import (
    Actor,
    ActorKind,
    PromotionKind,
    PromotionRecord,
    PromotionRefused,
    digest_json,
)
from prompt_lab.reviews import ItemState, ReviewSession
from prompt_lab.store.prompt_guard import PromotionReason

_MOVES = (PromotionKind.PROMOTE, PromotionKind.FORCE, PromotionKind.ROLLBACK, PromotionKind.IMPORT)


def roll_back_review(
    request_id: str, person: str, deployer: ItemDeployer, context: ReviewContext
) -> str:
    """Make the snapshot current that was so before the last deployed review; what to answer.

    Repeated with the same `request_id` it goes on where it was cut off. Raises PromotionRefused
    where no review was deployed, or where others have moved the pointer since.
    """
    registry = deployer.registry
    reason = f"rollback asked by reply {digest_json(request_id)[:16]}"
    why = PromotionReason(Actor(name=person, kind=ActorKind.PERSON), reason, context.now())
    session = _find_deployed(context)
    rows = _list_rows(session, deployer)
    prompts = sorted(
        {item.prompt_key for item in session.items if item.state is ItemState.DEPLOYED}
    )
    if not registry.files.read_journal(reason=reason):
        _check_last(rows, deployer)
        registry.roll_back(rows[0].from_snapshot, why)
    faults = [one for name in prompts for one in deployer.publish_prompt(name, why)]
    text = f"Rolled back {', '.join(prompts)} to the texts before the review of"
    text = f"{text} {session.created_at[:10]}."
    if faults:
        text += f" Not yet published: {'; '.join(faults)}. `prompt-lab prompts deploy` does it."
    return text


def _find_deployed(context: ReviewContext) -> ReviewSession:
    sessions = [
        one
        for one in context.files.list_sessions()
        if any(item.state is ItemState.DEPLOYED for item in one.items)
    ]
    if not sessions:
        raise PromotionRefused("No review was deployed: there is nothing to roll back.")
    return max(sessions, key=lambda one: one.approved_at)


def _list_rows(session: ReviewSession, deployer: ItemDeployer) -> list[PromotionRecord]:
    """The journal's rows of the session's promotions, oldest first."""
    read = deployer.registry.files.read_journal
    reasons = [reason for item in session.items for reason in list_reasons(session, item)]
    rows = [row for reason in reasons for row in read(reason=reason)]
    if not rows:
        raise PromotionRefused("The registry has no promotion of this review.")
    return sorted(rows, key=lambda row: row.sequence)


def _check_last(rows: list[PromotionRecord], deployer: ItemDeployer) -> None:
    """Raise PromotionRefused where another move came between or after."""
    ours = {row.sequence for row in rows}
    for row in deployer.registry.files.read_journal():
        is_move = row.kind in _MOVES and row.git is None
        if row.sequence > rows[0].sequence and row.sequence not in ours and is_move:
            raise PromotionRefused(
                f"The prompts were changed since ({row.kind.value} by {row.actor.name!r}, row"
                f" {row.sequence}), and a rollback would undo that too. `prompt-lab prompts"
                " rollback` takes the snapshot that you name."
            )
