"""What a judge is asked: its template rendered for one pair, and the key of the request.

Inputs and answers are data. They are never read as a template, and each stands in a fence whose
sign is made from all of them, so that none can hold it: no text can end its own fence.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from hashlib import sha256

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import ConfigError
from prompt_lab.evaluate.judge import Shown
from prompt_lab.ports import Request
from prompt_lab.prompts.text import split

NAMES = "criteria, inputs, first, second, mark"
_SAMPLES = {name: f"<the {name}>" for name in ("criteria", "input", "first", "second")}


@dataclass(frozen=True)
class JudgePrompt:
    """A judge's template with all that is the same for every pair."""

    template: str
    criteria: str
    max_tokens: int = 512

    def render(self, inputs: Mapping[str, str], shown: Shown, seed: int | None = None) -> Request:
        """The request for one pair in one order. `inputs` is file name -> text."""
        texts = [*inputs.values(), shown.first, shown.second]
        values = {
            "criteria": self.criteria,
            "inputs": [(name, text.strip("\n")) for name, text in inputs.items()],
            "first": shown.first.strip("\n"),
            "second": shown.second.strip("\n"),
            "mark": mark_of([self.criteria, *inputs, *texts]),
        }
        system, user = (part.render(values).strip() for part in _compiled(self.template))
        return Request(system, user, None, self.max_tokens, seed)


def mark_of(texts: Sequence[str]) -> str:
    """A sign that none of the texts holds, the same for the same texts.

    >>> mark_of(["a", "b"]) == mark_of(["a", "b"]) != mark_of(["a", "c"])
    True
    """
    mark = sha256(json.dumps(list(texts)).encode()).hexdigest()[:16]
    while any(mark in text for text in texts):
        mark = sha256(mark.encode()).hexdigest()[:16]
    return mark


def request_key(judge: ModelConfig, request: Request) -> str:
    """sha256 of all that decides a judge's answer: its model, its settings, the whole request."""
    identity = {
        "model": [judge.provider, judge.id, judge.base_url],
        "settings": judge.settings.model_dump(mode="json"),
        "request": asdict(request),
    }
    return sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def check_template(template: str, path: str) -> None:
    """Raises ConfigError for a template that does not render, or leaves out what is compared."""
    first, second = _SAMPLES["first"], _SAMPLES["second"]
    prompt = JudgePrompt(template, _SAMPLES["criteria"])
    try:
        sandboxed().parse(template)
        request = prompt.render({"input.txt": _SAMPLES["input"]}, Shown(first, second, False))
    except TemplateSyntaxError as error:
        raise ConfigError([f"{path}:{error.lineno}: {error.message}"]) from error
    except UndefinedError as error:
        raise ConfigError([f"{path}: {error.message}; it may name {NAMES}"]) from error
    except TemplateError as error:
        raise ConfigError([f"{path}: {error}"]) from error
    missing = [k for k, text in _SAMPLES.items() if text not in f"{request.system}\n{request.user}"]
    if missing:
        raise ConfigError([f"{path}: leaves out {', '.join(missing)}; put it in"])
    if not request.user:
        raise ConfigError([f"{path}: has no line '[user]'; put one above the data"])


@lru_cache(maxsize=4)
def _compiled(template: str) -> tuple[Template, Template]:
    """System and user part. Split before any data is in: a text's own `[user]` line stays text."""
    system, user = split(template)
    return sandboxed().from_string(system), sandboxed().from_string(user)


def sandboxed() -> SandboxedEnvironment:
    """Where templates of configs/prompts render: no attribute of Python, no unknown name."""
    return SandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
