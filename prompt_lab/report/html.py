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
WEB_STYLES = (*STYLES, "web.css", "reviews.css")
SCRIPT = "page.js"


def render(template: str, **context: Any) -> str:
    """Render a template of this package; everything but our own style and script is escaped."""
    return environment().get_template(template).render(**_assets(STYLES), **context)


def render_served(template: str, **context: Any) -> str:
    """The same for a page of the web app, which may send forms to its own server."""
    assets = {**_assets(WEB_STYLES), "policy": Markup(served_policy())}
    return environment().get_template(template).render(**assets, **context)


def served_policy() -> str:
    """The content security policy of the web app's pages."""
    return str(_assets(WEB_STYLES)["policy"]).replace("form-action 'none'", "form-action 'self'")


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
    made.globals["lab_href"] = words.lab_href
    made.globals["marks"] = {outcome.value: mark for outcome, mark in words.MARKS.items()}
    return made


@lru_cache(maxsize=2)
def _assets(styles: tuple[str, ...]) -> dict[str, Markup]:
    style = "".join(_own(name) for name in styles)
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
