"""The pages of the prompt registry, and the rollback form."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import HTMLResponse, RedirectResponse

from pipeline.web.context import Context, Form, Operator, PageViewer, require_reader
from prompt_lab.clock import utc_now
from prompt_lab.errors import StoreError
from prompt_lab.report import registry_page as pages
from prompt_lab.report.html import served_policy
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_verdicts import open_registry

router = APIRouter(dependencies=[Depends(require_reader)])
Digest = Annotated[str, "sha256"]


class Page(HTMLResponse):
    """A page of ours, with its own content security policy."""

    def __init__(self, content: str, status_code: int = 200) -> None:
        policy = f"{served_policy()}; frame-ancestors 'none'"
        super().__init__(content, status_code, {"content-security-policy": policy})


@router.get("/")
def open_first_page() -> RedirectResponse:
    """The prompts."""
    return RedirectResponse("/prompts", 303)


@router.get("/prompts")
def show_prompts(context: Context, viewer: PageViewer) -> Page:
    """All prompts."""
    rows = context.view.list_promotions()
    prompts = context.view.list_prompts(rows)
    stale = context.read_state()["stale_since"] if prompts else ""
    return Page(pages.render_prompts(viewer, prompts, rows, stale))


@router.get("/history")
def show_history(context: Context, viewer: PageViewer, before: int = 0) -> Page:
    """The journal."""
    return Page(pages.render_history(viewer, context.view.list_promotions(), before))


@router.get("/prompts/{prompt_id}")
def show_prompt(context: Context, viewer: PageViewer, prompt_id: str) -> Page:
    """One prompt."""
    rows = context.view.list_promotions()
    prompt = context.view.read_prompt(prompt_id, rows)
    return Page(pages.render_prompt(viewer, prompt, rows))


@router.get("/prompts/{prompt_id}/diff")
def show_difference(
    context: Context, viewer: PageViewer, prompt_id: str, old: Digest, new: Digest
) -> Page:
    """Two versions of a prompt."""
    texts = [(one, context.view.read_version(prompt_id, one)) for one in (old, new)]
    return Page(pages.render_difference(viewer, prompt_id, texts[0], texts[1]))


@router.get("/snapshots/{snapshot_id}")
def show_snapshot(context: Context, viewer: PageViewer, snapshot_id: str) -> Page:
    """One snapshot that was once current."""
    if not any(row.snapshot == snapshot_id for row in context.view.list_promotions()):
        raise HTTPException(404, "No snapshot with that id was ever current.")
    current = context.view.read_current_id()
    found = context.view.read_snapshot(snapshot_id)
    shown = (current, context.view.read_snapshot(current))
    return Page(pages.render_snapshot(viewer, snapshot_id, found, shown))


@router.post("/snapshots/{snapshot_id}/rollback")
def roll_back(context: Context, actor: Operator, form: Form, snapshot_id: str) -> RedirectResponse:
    """Make a snapshot current again. Refused where another one is current than was shown."""
    if form.get("current") != context.view.read_current_id():
        raise HTTPException(
            409, "The prompts have changed since this page was opened. Look at it again."
        )
    reason = form.get("reason", "").strip()[:2000]
    if not reason:
        raise HTTPException(422, "A rollback needs a reason.")
    try:
        open_registry(context.lab).roll_back(snapshot_id, PromotionReason(actor, reason, utc_now()))
    except StoreError as error:
        raise HTTPException(503, str(error)) from error
    return RedirectResponse("/history", 303)
