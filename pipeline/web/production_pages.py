"""The pages of the daily review and of traces, and the forms that answer."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import RedirectResponse

from pipeline.web.context import (
    Context,
    CurrentSession,
    Form,
    Operator,
    PageViewer,
    WebContext,
    require_reader,
)
from pipeline.web.production import WebAnswer, apply_setting, find_review
from pipeline.web.registry_pages import Page
from prompt_lab.clock import write_time
from prompt_lab.errors import LabError, StoreError
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.report.registry_view import PromotionView
from prompt_lab.report.review_page import Notice, render_review, render_reviews, render_trace
from prompt_lab.report.review_view import view_items
from prompt_lab.reviews import ReviewSession
from prompt_lab.traces import Window

USAGE_DAYS = 30
router = APIRouter(dependencies=[Depends(require_reader)], include_in_schema=False)


@router.get("/reviews")
def show_reviews(context: Context, viewer: PageViewer) -> Page:
    """All sessions and how costs went."""
    door = context.production
    sessions = door.reviews.list_sessions(limit=100)
    usage = door.traces.usage_by_version(_last_days(USAGE_DAYS))
    tasks = context.tasks.list_tasks() if viewer.name else []
    return Page(render_reviews(viewer, sessions, usage, door.measure(), tasks))


@router.post("/reviews/run")
def run_review(context: Context, actor: Operator, form: Form) -> RedirectResponse:
    """Start a review; its state is on the page of all reviews."""
    try:
        hours = float(form.get("window_hours", ""))
    except ValueError:
        hours = 0.0
    if not 0 < hours <= 8784:
        raise HTTPException(422, "The hours to look back are a number from 1 to 8784.")
    context.tasks.start(hours, dry_run=bool(form.get("dry_run")), by=actor.name)
    return RedirectResponse("/reviews#run", 303)


@router.get("/reviews/{session_id}")
def show_review(
    context: Context, viewer: PageViewer, login: CurrentSession, session_id: str
) -> Page:
    """One session."""
    door = context.production
    session = find_review(door.reviews, session_id)
    items = view_items(session, door.traces.find, find_texts_before(context, session))
    notice = context.notices.take(login.csrf) if login is not None else None
    return Page(render_review(viewer, session, items, notice))


@router.post("/reviews/{session_id}/answer")
def answer_review(
    context: Context, actor: Operator, login: CurrentSession, form: Form, session_id: str
) -> RedirectResponse:
    """Do what the words say, by the same function as a reply in the chat."""
    session = find_review(context.production.reviews, session_id)
    words = form.get("words", "").strip()[:2000]
    if not words:
        raise HTTPException(422, "An answer needs words, such as: deploy all.")
    answer = WebAnswer(
        session.id, form.get("shown", ""), words, actor, form.get("reason", "").strip()[:500]
    )
    try:
        done = context.production.answer(answer)
        notice = Notice(done.text, done.is_refused)
    except StoreError:
        raise
    except LabError as error:
        notice = Notice(str(error), is_refused=True)
    return _return_to(context, login, session, notice)


@router.post("/reviews/{session_id}/settings")
def apply_review_setting(
    context: Context, actor: Operator, login: CurrentSession, form: Form, session_id: str
) -> RedirectResponse:
    """Apply one flagged setting. Refused where other items were shown."""
    session = find_review(context.production.reviews, session_id)
    if form.get("shown") != session.content_sha256:
        raise HTTPException(409, "The review has changed since this page was opened.")
    number = form.get("item", "")
    item = int(number) if number.isdecimal() and len(number) < 6 else 0
    done = apply_setting(context.lab, context.production, session, item, actor)
    return _return_to(context, login, session, Notice(done.text, done.is_refused))


@router.get("/traces")
def show_trace(context: Context, viewer: PageViewer, id: str = "") -> Page:
    """One trace as a conversation."""
    traces = context.production.traces
    if not id:
        raise HTTPException(404, "Name a trace, as /traces?id=… does. A review links to its own.")
    trace = None if "\0" in id else traces.find(id)
    if trace is None:
        raise HTTPException(404, "The store has no trace with that id. It may have been erased.")
    since = Window(trace.created_at, "9999-12-31T00:00:00.000Z")
    given = [one for one in traces.read_feedback(since) if one.trace_id == trace.trace_id]
    return Page(render_trace(viewer, trace, given))


def find_texts_before(context: WebContext, session: ReviewSession) -> Mapping[int, tuple[str, str]]:
    """Item id -> (sha256, text) of its prompt before the item: the current one, unless deployed."""
    found: dict[int, tuple[str, str]] = {}
    try:
        rows = context.view.list_promotions()
        prompts = {one.id: one for one in context.view.list_prompts(rows)} if rows else {}
    except StoreError:
        return found  # before the first import
    for item in session.items:
        if not item.prompt_text or item.prompt_key not in prompts:
            continue
        digest = _find_digest_before(rows, item.prompt_key, digest_text(item.prompt_text))
        current = prompts[item.prompt_key]
        if not digest:
            found[item.id] = (current.digest, current.text)
        else:
            found[item.id] = (digest, context.view.read_version(item.prompt_key, digest))
    return found


def _find_digest_before(rows: list[PromotionView], prompt: str, after: str) -> str:
    """The version that the newest move to `after` replaced; '' if there was none."""
    changes = (one for row in rows for one in row.changes)
    return next((one.before for one in changes if (one.prompt, one.after) == (prompt, after)), "")


def _return_to(
    context: WebContext, login: CurrentSession, session: ReviewSession, notice: Notice
) -> RedirectResponse:
    if login is not None:
        context.notices.keep(login.csrf, notice)
    return RedirectResponse(f"/reviews/{session.id}", 303)


def _last_days(days: int) -> Window:
    return Window(write_time(datetime.now(UTC) - timedelta(days=days)), "9999-12-31T00:00:00.000Z")
