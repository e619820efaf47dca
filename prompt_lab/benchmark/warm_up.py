"""Warm a model up before a suite: one real generation with the suite's own prompt prefix."""

import time
from dataclasses import replace
from pathlib import Path

from prompt_lab.benchmark.harness_config import WarmUpConfig
from prompt_lab.benchmark.records import WarmUpResult
from prompt_lab.errors import LabError, TimeUp
from prompt_lab.evaluate.answers import NEUTRAL_SYSTEM, RequestBuilder
from prompt_lab.experiments.deadline import within
from prompt_lab.ports import Llm, Request, StepAdapter


def build_warm_up_request(
    adapter: StepAdapter, worktree: Path, plan_dir: Path, config: WarmUpConfig
) -> Request:
    """The suite's own request with another question; for steps that ask by themselves a plain one.

    The plan only lends its prompt prefix and settings: its input is not sent.
    """
    if not isinstance(adapter, RequestBuilder):
        return Request(NEUTRAL_SYSTEM, config.prompt)
    request = adapter.build_request(worktree, plan_dir, None)
    return replace(request, user=config.prompt, schema=None)


def warm_up_model(name: str, llm: Llm, request: Request, seconds: float) -> WarmUpResult:
    """Ask once, at most so many seconds. A warm-up that fails never stops a benchmark."""
    begun = time.monotonic()
    try:
        answer = within(seconds, llm.ask)(request)
    except TimeUp:
        message = f"no answer in {seconds:g} s; the suite goes on without"
        return WarmUpResult(model=name, status="timed out", seconds=seconds, message=message)
    except LabError as error:
        spent = time.monotonic() - begun
        return WarmUpResult(model=name, status="failed", seconds=spent, message=str(error))
    spent = time.monotonic() - begun
    message = f"Warm-up complete: {name} answered in {spent:.2f} s"
    if not answer.text.strip():
        message += " with an empty text"
    return WarmUpResult(model=name, status="complete", seconds=spent, message=message)


def is_due(idle_seconds: float | None, model: str, config: WarmUpConfig) -> bool:
    """Whether a model needs a warm-up: never asked by this benchmark, or idle for too long."""
    limit = config.keep_alive_of.get(model, config.keep_alive_seconds)
    return idle_seconds is None or idle_seconds > limit
