"""The pages of the prompt service: levels and decisions, and questions asked by parts."""

from fastapi import APIRouter, Depends, Request

from pipeline.web.context import Context, PageViewer, require_reader
from pipeline.web.metrics import get_slos
from pipeline.web.registry_pages import Page
from prompt_lab.promptops.canary import FIX, canary_file
from prompt_lab.promptops.intent_views import render_intents_page
from prompt_lab.promptops.journal import read_journal
from prompt_lab.promptops.records import Canary
from prompt_lab.report.promptops_page import render_service
from prompt_lab.store.files import read_record

LATEST = 30
router = APIRouter(dependencies=[Depends(require_reader)])


@router.get("/promptops")
def show_service(context: Context, viewer: PageViewer, request: Request) -> Page:
    """Service levels, and the last decisions."""
    report = get_slos(request).read()
    folder = canary_file(context.lab, "x").parent
    canaries = [read_record(path, Canary, fix=FIX) for path in sorted(folder.glob("*.json"))]
    events = read_journal(context.lab)[: -LATEST - 1 : -1]
    return Page(render_service(viewer, report, canaries, events))


@router.get("/promptops/intents.html")
def show_intents(context: Context, viewer: PageViewer) -> Page:
    """Trials of asking by parts, and intent graphs with answers and evidence."""
    return Page(render_intents_page(context.lab, viewer))
