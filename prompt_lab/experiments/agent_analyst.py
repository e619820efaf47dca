"""Insight and CodeReview by a model or agent, on a read-only copy, with one retry."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prompt_lab.agents import refusals, requests
from prompt_lab.agents.refusals import Fault, Refusal, redact_for_publication
from prompt_lab.agents.requests import SEND_BACK
from prompt_lab.agents.views import fault_of, rendered
from prompt_lab.config.agents import AgentConfig
from prompt_lab.errors import LabError
from prompt_lab.experiments.agent_access import agent, agent_config, copies
from prompt_lab.experiments.agent_work import (
    AgentFolders,
    Work,
    agent_folders,
    keep,
    plan_texts,
    put_to_work,
    redactor_of,
    template_of,
    text_of,
)
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.names import Split
from prompt_lab.records import PlanText, RunRow
from prompt_lab.store.iterations import read_change, read_meta

TASKS = {requests.INSIGHT: "insight", requests.REVIEW: "code"}
TITLES = {requests.INSIGHT: "Insight", requests.REVIEW: "Code review"}


def view_of(
    experiment: Experiment,
    analyst: str,
    template: str,
    values: Mapping[str, Any],
    rows: Sequence[RunRow],
) -> str:
    """Write the analyst's page. An analyst that fails raises nothing: its page gives the reason.

    `rows` are the train runs that it may read and cite.
    """
    title = f"{TITLES[template]} ({analyst}): {experiment.step}, iteration {experiment.number}"
    try:
        config = agent_config(experiment.context, analyst)
        why = agent(experiment.context, config).check()
        if why:
            return rendered(title, "", [Fault(code=Refusal.FAILED, text=f"cannot be used: {why}")])
        return _ask_analyst(experiment, config, template, values, rows, title)
    except LabError as error:
        text = redact_for_publication(str(error), redactor_of(experiment))
        return rendered(title, "", [Fault(code=Refusal.FAILED, text=text)])


def _ask_analyst(
    experiment: Experiment,
    config: AgentConfig,
    template: str,
    values: Mapping[str, Any],
    rows: Sequence[RunRow],
    title: str,
) -> str:
    prompt = requests.render(template_of(experiment, template), values)
    runs = [row.path for row in rows] if template == requests.INSIGHT else None
    with agent_folders() as box:
        _export_material(experiment, box, rows)
        honest = f"{text_of(box.tree)}\n{prompt}"
        spent = 0.0
        for attempt in (1, 2):
            # Both answers together have one task's limit, so the cost of the first is subtracted.
            rest = config.model_copy(update={"cost_usd": config.cost_usd - spent})
            work = put_to_work(experiment, rest, TASKS[template], prompt, box, writes=False)
            faults = _faults(experiment, work, honest, runs)
            withheld = any(fault.code == Refusal.VERIFY_SEEN for fault in faults)
            keep(experiment, work, faults, withheld=withheld)
            spent += work.result.cost_usd
            if not faults or attempt == 2 or spent * 2 > config.cost_usd:
                break
            prompt = f"{prompt}\n{SEND_BACK.format(reason=faults[0].text)}\n"
    text = "" if withheld else redact_for_publication(work.result.text, redactor_of(experiment))
    return rendered(title, text, faults, _note(config, work, attempt))


def _faults(
    experiment: Experiment, work: Work, honest: str, runs: Sequence[str] | None
) -> list[Fault]:
    """The reasons not to accept an answer, the first of each kind."""
    ended = refusals.of_ending(work.result, work.config)
    if ended:
        return ended
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    seen = refusals.of_verify(
        "",
        f"{work.result.text}\n{work.result.transcript}",
        honest,
        train=plan_texts(experiment, meta, Split.TRAIN),
        verify=plan_texts(experiment, meta, Split.VERIFY),
    )
    fault = fault_of(work.result.text, runs)
    return [*seen, *([fault] if fault else [])]


def _note(config: AgentConfig, work: Work, attempts: int) -> str:
    result = work.result
    unbound = f" Not prevented here: {'; '.join(result.unbound)}." if result.unbound else ""
    model = f", model {config.model}" if config.model else ""
    return (
        f"Asked {attempts} time(s) of {config.kind}{model}: {result.seconds:.1f} s, "
        f"${result.cost_usd:.4f}.{unbound}"
    )


def _export_material(experiment: Experiment, box: AgentFolders, rows: Sequence[RunRow]) -> None:
    """What an analyst may read: the candidate, the train plans, and the answers of their runs."""
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    copies(experiment.context, meta.target).export(change.commit, box.tree / "target")
    seen = {row.record.plan for row in rows}
    for plan in plan_texts(experiment, meta, Split.TRAIN):
        if plan.name in seen:
            _write_plan(box.tree / "plans" / plan.name, plan)
    for row in rows:
        _write(box.tree / "runs" / row.path, row.outputs)


def _write_plan(folder: Path, plan: PlanText) -> None:
    _write(folder, plan.inputs)
    _write(folder / "gold", plan.gold)


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
