"""The one jinja2 environment of all pages: sandboxed, strict, autoescaping, nothing external."""

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from typing import Any

from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from prompt_lab.names import count
from prompt_lab.report import words

STYLES = ("base.css", "parts.css")
SCRIPT = "page.js"


def render(template: str, **context: Any) -> str:
    """Render a template of this package; everything but our own style and script is escaped."""
    return environment().get_template(template).render(**_assets(), **context)


@lru_cache(maxsize=1)
def environment() -> SandboxedEnvironment:
    """The environment of this process, which compiles each template once."""
    made = SandboxedEnvironment(
        loader=PackageLoader("prompt_lab.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    named = (words.score, words.points, words.money, words.duration, count, words.date)
    made.filters.update({function.__name__: function for function in named})
    made.filters["href"] = words.href
    made.globals["path_href"] = words.path_href
    made.globals["marks"] = {outcome.value: mark for outcome, mark in words.MARKS.items()}
    return made


@lru_cache(maxsize=1)
def _assets() -> dict[str, Markup]:
    style = "".join(_own(name) for name in STYLES)
    script = _own(SCRIPT)
    policy = (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)};"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )
    return {"style": Markup(style), "script": Markup(script), "policy": Markup(policy)}


def _own(name: str) -> str:
    loader = environment().loader
    assert loader is not None
    return loader.get_source(environment(), name)[0]


def _hash(text: str) -> str:
    """The hash of an inline style or script for the content security policy."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
