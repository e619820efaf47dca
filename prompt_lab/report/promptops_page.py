"""The web app's page of the prompt service, as HTML."""

from collections.abc import Mapping, Sequence
from typing import Any

from prompt_lab.report.html import render_served
from prompt_lab.report.registry_page import Viewer


def render_service(
    viewer: Viewer, report: Any, canaries: Sequence[Any], events: Sequence[Mapping[str, Any]]
) -> str:
    """Levels and alerts of an SloReport, all canaries, and rows of the journal, newest first."""
    levels = [one for one in report.levels if one.scope != "all"]
    return render_served(
        "promptops.html.j2",
        title="Service",
        viewer=viewer,
        report=report,
        levels=levels,
        total=next((one for one in report.levels if one.scope == "all"), None),
        canaries=canaries,
        running=sum(one.state == "running" for one in canaries),
        events=[_describe(one) for one in events],
    )


def _describe(event: Mapping[str, Any]) -> dict[str, str]:
    """The texts of a journal's row, whatever it holds."""
    codes = event.get("codes")
    named = ", ".join(map(str, codes)) if isinstance(codes, list) else ""
    return {
        "when": str(event.get("when", "")),
        "event": str(event.get("event", "")).replace("_", " "),
        "prompt_id": str(event.get("prompt_id", "")),
        "text": str(event.get("text") or event.get("decision") or ""),
        "codes": named,
    }
