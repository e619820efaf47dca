"""`prompt-lab show-request PLAN`: print what a run would send, without a key and without a call."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from pipeline.wiring import lab_context
from prompt_lab.config.model_keys import keys_of, mask_url
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import StoreError, TargetError
from prompt_lab.evaluate.answers import NEUTRAL_SYSTEM, NEUTRAL_USER, RequestBuilder
from prompt_lab.evaluate.batches import seed_of
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.preflight import check_version, describe_version
from prompt_lab.names import Split
from prompt_lab.ports import Request
from prompt_lab.redact import Redactor
from prompt_lab.report.terminal import say
from prompt_lab.store.plans import choose_plans, plan_names

FIRST_REPLICATE = 0


def show_request(
    *,
    plan: Annotated[str, typer.Argument(help="a train plan of the lab by name, or a plan folder")],
    step: Annotated[str, typer.Option(help="a file of configs/steps; default: lab.yaml's")] = "",
    commit: Annotated[
        str, typer.Option(help="branch, tag or commit of the target; default: its main branch")
    ] = "",
    model: Annotated[
        list[str] | None, typer.Option(help="a model; may be repeated; default: lab.yaml's")
    ] = None,
) -> None:
    """Print the system message, the user message and the model settings of one run.

    Needs no key, makes no call and writes nothing.
    """
    ctx = lab_context()
    name = step or ctx.defaults.step
    adapter = ctx.adapter(name)
    if not isinstance(adapter, RequestBuilder):
        raise TargetError(
            f"step {name!r} makes its requests in the target's own process, so they are known only "
            "once it runs: `prompt-lab-run` keeps them in calls.jsonl of the plan's output folder."
        )
    models = ctx.select_models(model or ctx.defaults.models)
    folder = find_plan(ctx, plan, adapter.inputs)
    config = ctx.step(name)
    with ctx.temporary_work_folder():
        workspace = ctx.workspace(config.target)
        found = workspace.resolve(commit or ctx.target(config.target).main)
        check_version(ctx, name, found)
        placeholders = describe_version(ctx, name, found)
        worktree = workspace.worktree(found)
        requests = {
            one.alias: adapter.build_request(worktree, folder, choose_seed(one, folder.name))
            for one in models
        }
    lines = [
        f"Request of step {name} for plan {folder.name}. Nothing is sent or written.",
        f"  prompt     {config.prompt} at {found[:12]}",
        f"  input      {placeholders}",
        *_neutral_parts(sent := next(iter(requests.values()))),
        *render_messages(sent),
    ]
    for one in models:
        lines += ["", *render_settings(one, requests[one.alias])]
    say("\n".join(lines))


def find_plan(ctx: LabContext, plan: str, inputs: tuple[str, ...]) -> Path:
    """The folder of a plan, by the name of a train plan or by its path.

    Raises UnknownName or StoreError. Verify plans are refused: only a final gate reads them.
    """
    train, folder = ctx.lab.plans(Split.TRAIN), Path(plan)
    if folder.name == plan and not folder.is_dir():
        available = plan_names(ctx.lab, inputs, split=Split.TRAIN)
        return train / choose_plans(available, [plan], train)[0]
    if not folder.is_dir():
        raise StoreError(f"{plan}: there is no such folder. Name a plan of {train}, or its folder.")
    folder = folder.resolve()
    if folder.is_relative_to(ctx.lab.plans(Split.VERIFY).resolve()):
        raise StoreError(
            f"{plan}: is a verify plan, which only the final check of a trial may read. "
            f"Name a train plan of {train}."
        )
    missing = [name for name in inputs if not (folder / name).is_file()]
    if missing:
        raise StoreError(f"{plan}: holds no {', '.join(map(repr, missing))}. Name a plan folder.")
    return folder


def choose_seed(model: ModelConfig, plan: str) -> int | None:
    """The seed of the first replicate; None for a model that is sent none."""
    return seed_of(plan, FIRST_REPLICATE) if model.settings.seeded else None


def render_messages(request: Request) -> Iterator[str]:
    """The two messages and the answer's schema, each under a line that names it."""
    for name, text in (("system message", request.system), ("user message", request.user)):
        yield f"\n--- {name} ({len(text)} characters) ---"
        yield text
    if request.schema is not None:
        yield "\n--- JSON schema of the answer ---"
        yield json.dumps(request.schema, ensure_ascii=False, indent=2)


def _neutral_parts(request: Request) -> Iterator[str]:
    if request.system == NEUTRAL_SYSTEM:
        yield "  system     a neutral text of ours: the prompt has no system part"
    if request.user == NEUTRAL_USER:
        yield "  user       a neutral text of ours: the system part holds all inputs"


def render_settings(model: ModelConfig, request: Request) -> list[str]:
    """What goes along with the messages to one model; keys are hidden."""
    settings = model.settings
    sent = {
        "temperature": settings.temperature,
        "max_tokens": settings.max_tokens or request.max_tokens,
        "seed": request.seed,
    }
    lines = [
        f"--- model {model.alias} ---",
        f"provider: {model.provider}",
        f"id: {model.id}",
        *([f"address: {mask_url(model.base_url)}"] if model.base_url else []),
        *(f"{name}: {'not sent' if value is None else value}" for name, value in sent.items()),
        *(f"{name}: {_as_json(value)}" for name, value in _extra(settings.model_dump(mode="json"))),
        f"timeout_seconds: {model.timeout_seconds:g} (not sent)",
    ]
    return Redactor(keys_of(model, os.environ)).text("\n".join(lines)).splitlines()


def _extra(settings: dict[str, object]) -> Iterator[tuple[str, object]]:
    extra = settings["extra"]
    if isinstance(extra, dict):
        yield from extra.items()


def _as_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
