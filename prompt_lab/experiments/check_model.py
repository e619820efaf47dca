"""Whether a model can be used: its key by name, and, if allowed, by one small call."""

from typing import NamedTuple

from prompt_lab.errors import LabError
from prompt_lab.experiments.context import LabContext
from prompt_lab.ports import Request

HELLO = Request("Answer with one word.", "Say ok.", None, max_tokens=16)
"""The smallest useful call."""


class ModelState(NamedTuple):
    """Whether a model can be used, and what is known of it, as the end of a sentence."""

    is_usable: bool
    text: str


def check_model(context: LabContext, alias: str, *, call: bool) -> ModelState:
    """Look at a model's config and key; with `call` also ask it one short question."""
    model = context.models[alias]
    if why := context.why_not(model):
        return ModelState(False, why)
    key = f"the key {model.key_env} is set" if model.key_env else "needs no key"
    if not call:
        return ModelState(True, f"{key}; not called")
    try:
        answer = context.llm(alias).ask(HELLO)
    except LabError as error:
        return ModelState(False, f"did not answer: {error}")
    tokens = f"{answer.input_tokens} + {answer.output_tokens} tokens"
    return ModelState(True, f"{key}, and it answered in {answer.seconds:.1f} s ({tokens})")
