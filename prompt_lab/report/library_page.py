"""The web app's page of the template library: what was mined, from where, what the gate said."""

import re
from collections.abc import Sequence
from typing import Any, Final

from prompt_lab.report.html import render_served
from prompt_lab.report.registry_page import Viewer

_ENTITY: Final = re.compile(r"(\{\{(?:QUOTE|DATE|CODE|NUMBER|NAME)_[0-9]+\}\})")


def render_library(viewer: Viewer, templates: Sequence[Any], switches: Sequence[Any]) -> str:
    """The page; the newest promotion first. `templates` are records of the library."""
    accepted = [one for one in reversed(templates) if one.state == "accepted"]
    refused = [one for one in reversed(templates) if one.state != "accepted"]
    return render_served(
        "library.html.j2",
        title="Template library",
        viewer=viewer,
        accepted=[(one, _ENTITY.split(one.text)) for one in accepted],
        refused=refused,
        switches=switches,
    )
