"""Import and compile once what every command would, in each process that a test forks for it."""

from functools import cache

from pipeline.wiring import ADAPTERS, load_adapter
from prompt_lab.report.html import environment


@cache
def warm_up() -> None:
    """Load all adapters and page templates into this process."""
    for kind, names in ADAPTERS.items():
        for name in names:
            load_adapter(kind, name)
    pages = environment()
    for template in pages.list_templates(extensions=["j2"]):
        pages.get_template(template)
