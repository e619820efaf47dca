"""Deploy the approved items of a session, one by one, through the registry's promotion path.

Every step may be repeated: the registry's journal says which item was promoted already, and a
remote registry is looked at before it is written to.
"""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from prompt_lab.errors import PromptMissing, RegistryError, RemoteChanged, StoreError, UnknownName
from prompt_lab.production.review_context import ReviewContext
from prompt_lab.prompts.snapshots import Actor, ActorKind, PromotionRefused, digest_text
from prompt_lab.reviews import Item, ItemState, ItemType, ReviewSession, SessionStatus
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry

DECIDED = (ItemState.DEPLOYED, ItemState.REFUSED, ItemState.REMOVED)


class PromptPublisher(Protocol):
    """Puts the lab's current text of a prompt on a remote registry, such as RemoteDeployer."""

    def deploy(self, prompt_id: str, why: PromotionReason) -> object:
        """Raises RemoteChanged or PromptMissing (lasting), or another RegistryError (try again)."""


class ItemDeployment(NamedTuple):
    """What became of one item. `is_waiting`: a service is down, and it is to be tried again."""

    item: Item
    is_waiting: bool = False


class ItemDeployer:
    """Deploys to the lab's registry, then to the remote ones (name -> publisher)."""

    def __init__(
        self, registry: PromptRegistry, publishers: Mapping[str, PromptPublisher] | None = None
    ) -> None:
        self.registry = registry
        self.publishers = dict(publishers or {})

    def deploy(self, session: ReviewSession, item: Item, when: str) -> ItemDeployment:
        """Promote and publish one approved item; never raises for what the rules refuse.

        An item without verdict is promoted by force if it is the session's `forced_item`.
        """
        is_forced = session.forced_item == item.id
        reasons = list_reasons(session, item)
        actor = Actor(name=session.approved_by or "unnamed", kind=ActorKind.PERSON)
        why = PromotionReason(actor, reasons[is_forced], when)
        try:
            if not any(self.registry.files.read_journal(reason=one) for one in reasons):
                check_item(item, is_forced=is_forced)
                self._check_base(session, item)
                if is_forced:
                    self.registry.force(item.prompt_key, item.prompt_text, why)
                else:
                    verdicts = {item.prompt_key: item.verdict_id}
                    self.registry.promote({item.prompt_key: item.prompt_text}, verdicts, why)
        except (PromotionRefused, UnknownName) as error:
            return ItemDeployment(replace_item(item, ItemState.REFUSED, str(error)))
        except StoreError as error:
            return ItemDeployment(replace_item(item, item.state, str(error)), is_waiting=True)
        return self._publish(item, why)

    def publish_prompt(self, prompt_id: str, why: PromotionReason) -> list[str]:
        """Publish a prompt to every remote registry; what each that failed says."""
        faults = []
        for name, publisher in self.publishers.items():
            try:
                publisher.deploy(prompt_id, why)
            except RegistryError as error:
                faults.append(f"{name}: {error}")
        return faults

    def _publish(self, item: Item, why: PromotionReason) -> ItemDeployment:
        notes, is_waiting = [], False
        for name, publisher in self.publishers.items():
            try:
                publisher.deploy(item.prompt_key, why)
            except RegistryError as error:
                notes.append(f"not published to {name!r}: {error}")
                is_waiting = is_waiting or not isinstance(error, RemoteChanged | PromptMissing)
        state = item.state if is_waiting else ItemState.DEPLOYED
        return ItemDeployment(replace_item(item, state, "; ".join(notes)), is_waiting)

    def _check_base(self, session: ReviewSession, item: Item) -> None:
        """Raise PromotionRefused where the prompt is not the one that the item was made from."""
        for other in session.items:
            is_earlier = other.id != item.id and other.state is ItemState.DEPLOYED
            if is_earlier and other.prompt_key == item.prompt_key:
                raise PromotionRefused(
                    f"Item {item.id} is stale: item {other.id} has changed {item.prompt_key!r}."
                    " The next review finds it again if it is still needed."
                )
        current = digest_text(self.registry.read_text(item.prompt_key))
        if item.base_sha256 and current != item.base_sha256:
            raise PromotionRefused(
                f"Item {item.id} is stale: {item.prompt_key!r} was changed since the review."
                " The next review finds it again if it is still needed."
            )


def deploy_approved(
    session: ReviewSession, deployer: ItemDeployer, context: ReviewContext
) -> ReviewSession:
    """Deploy what the session's approval names and is not decided yet; the session as saved.

    Call it with the files held. It stays pending with a reason where a service is down, and the
    same call then goes on from there.
    """
    waiting = []
    for number in session.approved_items:
        item = find_item(session, number)
        if item is None or item.state in DECIDED:
            continue
        done = deployer.deploy(session, item, session.approved_at or context.now())
        if done.is_waiting:
            waiting.append(f"item {number}: {done.item.note}")
        session = context.save(put_item(session, done.item))
    status = SessionStatus.PENDING if waiting else _find_status(session)
    return context.save(session.model_copy(update={"status": status, "reason": "; ".join(waiting)}))


def resume_deployments(deployer: ItemDeployer, context: ReviewContext) -> list[ReviewSession]:
    """Go on with every approval that is not carried out yet, after a kill or a service's fault."""
    with context.files.hold():
        context.copy_to_database()
        return [
            deploy_approved(session, deployer, context)
            for session in reversed(context.files.list_sessions())
            if is_waiting(session)
        ]


def is_waiting(session: ReviewSession) -> bool:
    """Whether an approval of the session is not carried out yet."""
    named = [find_item(session, number) for number in session.approved_items]
    return any(item is not None and item.state not in DECIDED for item in named)


def check_item(item: Item, *, is_forced: bool) -> None:
    """Raise PromotionRefused, with the reason, for an item that a reply cannot deploy."""
    kinds = {
        ItemType.CONFIG_CHANGE: "changes a setting: change it on the admin page",
        ItemType.CODE_CHANGE: "needs a change of code",
        ItemType.INVESTIGATE: "needs an investigation",
    }
    if item.type in kinds:
        raise PromotionRefused(f"Item {item.id} {kinds[item.type]}; it cannot be deployed.")
    if item.state in DECIDED:
        note = f" ({item.note})" if item.note else ""
        raise PromotionRefused(f"Item {item.id} is {item.state.value} already{note}.")
    if not item.prompt_key or not item.prompt_text:
        raise PromotionRefused(f"Item {item.id} has no new text of a prompt.")
    if item.deployable or is_forced:
        return
    missing = f"{item.plans_missing} plans are missing" if item.plans_missing else "no verdict"
    tested = f"its trial says {item.verdict}" if item.verdict else f"it is untested ({missing})"
    raise PromotionRefused(
        f'Item {item.id} has no YES verdict: {tested}. "deploy {item.id} untested" deploys it'
        " without one, in your name."
    )


def list_reasons(session: ReviewSession, item: Item) -> tuple[str, str]:
    """Reasons in the journal, by which a promotion is found again: by a verdict, and by force."""
    reason = f"review {session.id} item {item.id}"
    words = f": {session.forced_reason}" if session.forced_reason else ""
    return reason, f"{reason}, untested{words}"


def find_item(session: ReviewSession, number: int) -> Item | None:
    """The item with this number."""
    return next((item for item in session.items if item.id == number), None)


def put_item(session: ReviewSession, item: Item) -> ReviewSession:
    """The session with an item replaced."""
    items = tuple(item if one.id == item.id else one for one in session.items)
    return session.model_copy(update={"items": items})


def replace_item(item: Item, state: ItemState, note: str) -> Item:
    """The item in another state."""
    return item.model_copy(update={"state": state, "note": note})


def _find_status(session: ReviewSession) -> SessionStatus:
    deployed = [item for item in session.items if item.state is ItemState.DEPLOYED]
    is_whole = not any(
        item.deployable or item.note
        for item in session.items
        if item.type is ItemType.PROMPT_CHANGE and item.state is not ItemState.REMOVED
    )
    if not deployed:  # all that was approved was refused: other items may still be approved
        return SessionStatus.PENDING
    return SessionStatus.DEPLOYED if is_whole else SessionStatus.PARTLY_DEPLOYED
