"""The pages of the prompt service: levels and decisions, selector, library, intents."""

from fastapi import APIRouter, Depends, Request

from pipeline.web.context import Context, PageViewer, require_reader
from pipeline.web.metrics import get_slos
from pipeline.web.registry_pages import Page
from prompt_lab.promptops.abilities import AbilitySwitches
from prompt_lab.promptops.canary import FIX, canary_file
from prompt_lab.promptops.contract import read_config
from prompt_lab.promptops.intent_views import render_intents_page
from prompt_lab.promptops.journal import read_journal
from prompt_lab.promptops.library.abstraction import split_entities
from prompt_lab.promptops.library.templates import list_templates
from prompt_lab.promptops.records import Canary
from prompt_lab.promptops.selection.audit import LOG
from prompt_lab.promptops.selection.candidates import read_paused
from prompt_lab.promptops.selection.sources import read_pareto
from prompt_lab.report.library_page import render_library
from prompt_lab.report.promptops_page import render_service
from prompt_lab.report.selector_page import SelectorFacts, render_selector
from prompt_lab.store.files import read_record, read_rows

LATEST = 30
TAIL_BYTES = 4_000_000
"""Of selection.jsonl, what the page shows: about 10,000 choices."""
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


@router.get("/promptops/selector")
def show_selector(context: Context, viewer: PageViewer) -> Page:
    """What the selector chose and explored, and variants by model and cost."""
    lab = context.lab
    config = context.settings.promptops or read_config(lab)
    facts = SelectorFacts(
        rows=read_rows(lab.root / "promptops" / LOG, TAIL_BYTES),
        bound=config.selector.exploration,
        switches=AbilitySwitches.load(lab).find_entries("selector"),
        paused=read_paused(lab).prompts,
        pareto=read_pareto(lab).rows,
    )
    return Page(render_selector(viewer, facts))


@router.get("/promptops/library")
def show_library(context: Context, viewer: PageViewer) -> Page:
    """The templates that were mined, with their lineage and what the gate said."""
    switches = AbilitySwitches.load(context.lab).find_entries("library")
    found = [(one, split_entities(one.text)) for one in list_templates(context.lab)]
    return Page(render_library(viewer, found, switches))
