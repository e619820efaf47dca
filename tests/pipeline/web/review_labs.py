"""A lab with a registry, a review in its files and database, and the traces behind it."""

from pathlib import Path

from prompt_lab.ports.trace_store import Stores
from prompt_lab.production.review_context import ReviewContext
from prompt_lab.production.review_run import reviews_folder
from prompt_lab.production.session_files import SessionFiles
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.reviews import (
    FindingEvidence,
    Goal,
    Item,
    ItemState,
    ItemType,
    ReviewSession,
    SessionStatus,
)
from prompt_lab.store.database.engine import open_stores
from prompt_lab.store.layout import Lab
from prompt_lab.traces import AgentCall, Payload, Tokens, ToolResult, Trace, UserMessage
from tests.pipeline.web.labs import HOSTILE, ID, make_lab, write_iteration, write_text

NOW = "2026-03-06T06:00:00.000Z"
TESTED, UNTESTED = write_text("Retry a tool that failed."), write_text("Be brief.")


def make_review_lab(root: Path) -> ReviewSession:
    """Item 1 has a YES verdict of the lab, item 2 is untested, item 3 a setting, 4 for people."""
    registry = make_lab(root)
    lab = Lab(root)
    write_iteration(lab, "5_triage", TESTED)
    stores = open_stores(lab)
    stores.traces.add(make_trace(number) for number in range(30))
    base = digest_text(registry.read_text(ID))
    session = ReviewSession(
        id="6f1c1a3e-3c1c-4b58-9a51-0d5f6a1c2b3d",
        created_at=NOW,
        window_hours=24,
        trace_count=30,
        session_count=12,
        average_cost_usd=0.044,
        notified_at=NOW,
        message_id="m1",
        items=(
            _item(1, "write_article failed twice without retry", TESTED, base, verdict="5_triage"),
            _item(2, f"Too long {HOSTILE}", UNTESTED, base),
            Item(
                id=3,
                detector="dear_models",
                key="m",
                goal=Goal.COST,
                type=ItemType.CONFIG_CHANGE,
                title="A dearer model where a cheaper one did as well",
                config_key="model",
                config_value="small",
            ),
            Item(
                id=4,
                detector="tool_failures",
                key="search",
                goal=Goal.CAPABILITIES,
                type=ItemType.CODE_CHANGE,
                title="search mostly fails",
            ),
        ),
    )
    save(lab, stores, session)
    return session


def save(lab: Lab, stores: Stores, session: ReviewSession) -> None:
    context = ReviewContext(SessionFiles(reviews_folder(lab)), stores.reviews)
    context.files.write(session, reviews_folder(lab) / "2026-03-06_1")
    context.reviews.save_session(session)


def read_status(root: Path, session: ReviewSession) -> SessionStatus | None:
    found = SessionFiles(reviews_folder(Lab(root))).read(session.id)
    return found.status if found else None


def make_trace(number: int) -> Trace:
    messages = (
        {"role": "user", "content": f"Write about {HOSTILE}"},
        {"role": "assistant", "content": f"Done {HOSTILE}"},
    )
    events = (
        UserMessage(text=f"Write about {HOSTILE}"),
        AgentCall(model=f"m{HOSTILE}", tokens=Tokens(input=900, output=60), latency_ms=800),
        ToolResult(tool_name=HOSTILE, success=False, error=HOSTILE, arguments=HOSTILE),
    )
    return Trace(
        trace_id=f"t{number}",
        created_at=f"2026-03-05T{number % 24:02}:00:00.000Z",
        session_id=f"s{number % 12}{HOSTILE}",
        channel=HOSTILE,
        channel_user_id=HOSTILE,
        user_message=HOSTILE,
        final_message=HOSTILE,
        payload=Payload(events=events, messages=messages, prompt_version=HOSTILE),
    )


def _item(number: int, title: str, text: str, base: str, verdict: str = "") -> Item:
    return Item(
        id=number,
        detector="tool_failures",
        key=f"k{number}",
        goal=Goal.ACCURACY,
        type=ItemType.PROMPT_CHANGE,
        state=ItemState.PENDING if verdict else ItemState.UNTESTED,
        title=title,
        prompt_key=ID,
        prompt_text=text,
        base_sha256=base,
        verdict_id=verdict,
        verdict="YES" if verdict else "",
        plans_missing=0 if verdict else 9,
        evidence=FindingEvidence(counts={"failed": 2}, trace_ids=("t1", "t2"), rate=0.4),
    )
