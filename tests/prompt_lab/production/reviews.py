"""Sessions, a registry with verdicts, and a context for the tests of replies."""

from pathlib import Path
from typing import Any

from prompt_lab.names import Outcome
from prompt_lab.production.binding import CHAT as CHAT_DOOR
from prompt_lab.production.binding import ReplyRequest
from prompt_lab.production.deploy import ItemDeployer
from prompt_lab.production.review_context import ReviewContext
from prompt_lab.production.session_files import SessionFiles
from prompt_lab.prompts.snapshots import Actor, ActorKind, TrialVerdict, digest_text
from prompt_lab.reviews import Goal, Item, ItemState, ItemType, ReviewSession
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.memory_stores import MemoryReviews
from tests.prompt_lab.production.fakes import CHAT, NOW

PROMPTS = {
    "writer": "Write the article from the outline. Name every source. " * 6,
    "router": "Choose the tool for the request. Answer with its name. " * 6,
    "editor": "Shorten the article. Keep names and numbers as they are. " * 6,
}
NEW = {name: f"{text}Retry a tool that failed once." for name, text in PROMPTS.items()}
BAD_TEXT = "short"


def find_verdict(verdict_id: str) -> TrialVerdict | None:
    """A verdict whose id is 'YES/<prompt>'."""
    outcome, _, prompt = verdict_id.partition("/")
    if prompt not in NEW:
        return None
    return TrialVerdict(verdict_id, Outcome(outcome), digest_text(NEW[prompt]), prompt)


def open_registry(root: Path) -> PromptRegistry:
    """The registry of a lab with three prompts."""
    registry = PromptRegistry(PromptFiles(root / "prompts"), find_verdict)
    if registry.files.read_pointer() is None:
        why = PromotionReason(Actor(name="ann", kind=ActorKind.PERSON), "first", NOW)
        registry.import_texts(PROMPTS, {}, why)
    return registry


def make_item(number: int, kind: ItemType = ItemType.CODE_CHANGE, **fields: Any) -> Item:
    """An item; of a prompt change the prompt's new text."""
    values = {"detector": "test", "key": f"k{number}", "goal": Goal.COST, "title": f"t{number}"}
    return Item.model_validate({"id": number, "type": kind, **values, **fields})


def make_change(number: int, prompt: str, **fields: Any) -> Item:
    """A tested prompt change."""
    values = {"prompt_key": prompt, "prompt_text": NEW[prompt], "verdict": "YES"}
    values |= {"verdict_id": f"YES/{prompt}", "base_sha256": digest_text(PROMPTS[prompt])}
    return make_item(number, ItemType.PROMPT_CHANGE, **{**values, **fields})


def make_session(*items: Item, **fields: Any) -> ReviewSession:
    """The session of the golden message unless items are given."""
    values = {"id": "s1", "created_at": NOW, "window_hours": 24, "trace_count": 12}
    values |= {"session_count": 12, "average_cost_usd": 0.044, "items": items or list_items()}
    return ReviewSession.model_validate({**values, **fields})


def list_items() -> tuple[Item, ...]:
    """Items 3 and 4 can be deployed; 6 is untested."""
    return (
        make_item(1, goal=Goal.ACCURACY, title="write_article failed twice without retry"),
        make_item(2, ItemType.INVESTIGATE, goal=Goal.CAPABILITIES, title="x was never called"),
        make_change(3, "writer"),
        make_change(4, "router"),
        make_item(5, ItemType.CONFIG_CHANGE, config_key="model", config_value="small"),
        make_change(
            6, "editor", verdict="", verdict_id="", state=ItemState.UNTESTED, plans_missing=9
        ),
    )


def open_context(root: Path, **fields: Any) -> ReviewContext:
    """A context whose clock stands."""
    values = {"files": SessionFiles(root / "reviews"), "reviews": MemoryReviews()}
    return ReviewContext(**{**values, "chat_id": CHAT, "now": lambda: NOW, **fields})


def ask(text: str, number: int = 1, **fields: Any) -> ReplyRequest:
    """A reply in the allowed chat."""
    values = {"id": f"chat IN{number}", "person": "ann@c.us", "door": CHAT_DOOR, "chat": CHAT}
    return ReplyRequest(**{**values, "text": text, **fields})


def open_deployer(root: Path, **publishers: Any) -> ItemDeployer:
    """A deployer to a registry in the folder."""
    return ItemDeployer(open_registry(root), publishers)
