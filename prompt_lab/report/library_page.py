"""The web app's page of the template library: what was mined, from where, what the gate said."""

from collections.abc import Sequence
from typing import Any

from prompt_lab.report.html import render_served
from prompt_lab.report.registry_page import Viewer


def render_library(
    viewer: Viewer, templates: Sequence[tuple[Any, Sequence[str]]], switches: Sequence[Any]
) -> str:
    """The page; the newest promotion first.

    `templates` are records of the library, each with its text cut at the placeholders of entities.
    """
    accepted = [pair for pair in reversed(templates) if pair[0].state == "accepted"]
    refused = [one for one, _ in reversed(templates) if one.state != "accepted"]
    return render_served(
        "library.html.j2",
        title="Template library",
        viewer=viewer,
        accepted=accepted,
        refused=refused,
        switches=switches,
    )
