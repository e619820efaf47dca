"""Mines templates from what won a trial and stayed: each winner once, with the gate's decision.

Mining costs no call and changes no prompt, so it goes on whether or not the library is on; only
the use of templates as candidates waits for a YES.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from prompt_lab.clock import read_time, write_time
from prompt_lab.decide.calibrate.measure import clopper_pearson
from prompt_lab.promptops.canary import read_result
from prompt_lab.promptops.challenge import read_challenge_set, read_questions
from prompt_lab.promptops.decision import CandidateState, candidate_file
from prompt_lab.promptops.journal import note
from prompt_lab.promptops.library.abstraction import abstract_text
from prompt_lab.promptops.library.insertion import (
    PASSING,
    TemplateLimits,
    TemplateMaterial,
    TemplateReason,
    check_template,
)
from prompt_lab.promptops.library.templates import (
    Template,
    TemplateLineage,
    list_templates,
    write_template,
)
from prompt_lab.promptops.optimizer_run import OptimizerRun
from prompt_lab.promptops.selection.candidates import find_promoted
from prompt_lab.prompts.manifest import propose_manifest
from prompt_lab.prompts.snapshots import PromotionKind, PromotionRecord
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.prompt_plans import PlanTexts, read_plan_texts
from prompt_lab.store.prompt_verify import iterate_changes

LEVEL = 0.95


class _Winner(NamedTuple):
    """A promoted text. `ended`: when another text took its place; '' while it is current."""

    prompt_id: str
    row: PromotionRecord
    before: str
    after: str
    ended: str


class _Use(NamedTuple):
    calls: int
    success: float
    low: float


def mine_templates(run: OptimizerRun) -> list[str]:
    """Look at every winner without a final decision; a line for each decision that is new.

    Raises StoreError where the registry's history or a template is damaged.
    """
    known = {one.lineage.variant: one for one in list_templates(run.context.lab)}
    due = [winner for winner in _list_winners(run) if not _is_final(known.get(winner.after))]
    if not due:
        return []
    lines, plans = [], read_plan_texts(run.context.lab)
    for winner in due:
        before = known.get(winner.after)
        found = _decide(run, winner, plans, list(known.values()))
        if before is not None and (before.state, before.codes) == (found.state, found.codes):
            continue
        write_template(run.context.lab, found)
        known[winner.after] = found
        lines.append(_report(run, found))
    return lines


def _is_final(template: Template | None) -> bool:
    """Whether the gate's decision stands, whatever time brings."""
    passing = {code.value for code in PASSING}
    return template is not None and not (template.codes and passing.issuperset(template.codes))


def _list_winners(run: OptimizerRun) -> Iterator[_Winner]:
    """Every promotion by a verdict, oldest first; of a text that won twice the last one."""
    files = run.registry.files
    found: dict[str, _Winner] = {}
    current: dict[str, str] = {}
    for row, changes in iterate_changes(files):
        for prompt_id, (before, after) in changes.items():
            if before in found and current.get(prompt_id) == before:
                found[before] = found[before]._replace(ended=row.when)
            current[prompt_id] = after
            if row.kind is PromotionKind.PROMOTE and prompt_id in row.verdicts:
                found[after] = _Winner(prompt_id, row, before, after, "")
    yield from found.values()


def _decide(
    run: OptimizerRun, winner: _Winner, plans: PlanTexts, known: list[Template]
) -> Template:
    lab, files = run.context.lab, run.registry.files
    text, parent = files.read_version(winner.after), files.read_version(winner.before)
    manifest = files.read_manifest(winner.prompt_id) or propose_manifest(winner.prompt_id, parent)
    use = _measure(run, winner)
    challenge = read_challenge_set(lab, winner.prompt_id)
    material = TemplateMaterial(
        winner=text,
        parent=parent,
        abstracted=abstract_text(text, manifest),
        manifest=manifest,
        calls=use.calls,
        success_low=use.low,
        unstable=_why_unstable(run, winner),
        open_plans=plans.train,
        sealed_plans=plans.sealed,
        questions=read_questions(lab, challenge, winner.prompt_id),
        templates=[(one.lineage.variant, one.text) for one in known if one.state == "accepted"],
    )
    limits = TemplateLimits(run.config.least_support, run.config.library.least_success)
    return _describe(run, winner, material, use, check_template(material, limits))


def _describe(
    run: OptimizerRun,
    winner: _Winner,
    material: TemplateMaterial,
    use: _Use,
    reasons: list[TemplateReason],
) -> Template:
    path = candidate_file(run.context.lab, winner.after)
    state = read_if_whole(path, CandidateState) if path.exists() else None
    found = Template(
        when=run.now,
        prompt_id=winner.prompt_id,
        task_class=material.manifest.task_class or winner.prompt_id,
        state="refused" if reasons else "accepted",
        codes=tuple(dict.fromkeys(one.code.value for one in reasons)),
        reason="; ".join(one.text for one in reasons),
        calls=use.calls,
        success=use.success if use.calls else None,
        success_low=use.low if use.calls else None,
        lineage=TemplateLineage(
            variant=winner.after,
            parent=winner.before,
            verdict_id=winner.row.verdicts[winner.prompt_id],
            promotion=winner.row.sequence,
            promoted=winner.row.when,
            operator=state.provenance.operator if state else "",
            round=state.round if state else "",
        ),
    )
    if reasons:
        return found
    there = set(abstract_text(material.parent, material.manifest).text.split("\n"))
    lines = material.abstracted.text.split("\n")
    added = tuple(line for line in lines if line.strip() and line not in there)
    texts = {"text": material.abstracted.text, "additions": added}
    return found.model_copy(update={**texts, "entities": material.abstracted.entities})


def _why_unstable(run: OptimizerRun, winner: _Winner) -> str:
    hours = run.config.library.stay_hours
    if winner.after not in find_promoted(run.registry.files, winner.prompt_id):
        return "it was rolled back"
    until = winner.ended or run.now
    if read_time(until) - read_time(winner.row.when) < timedelta(hours=hours):
        return f"it has been current for less than {hours:g} hours"
    return ""


def _measure(run: OptimizerRun, winner: _Winner) -> _Use:
    """Success of the text since it was promoted."""
    since = write_time(read_time(winner.row.when))
    results = [
        result
        for one in run.outcomes.since(since, prompt_id=winner.prompt_id)
        if one.variant == winner.after and (result := read_result(one)) is not None
    ]
    if not results:
        return _Use(0, 0.0, 0.0)
    low, _ = clopper_pearson(round(sum(results)), len(results), LEVEL)
    return _Use(len(results), sum(results) / len(results), low)


def _report(run: OptimizerRun, found: Template) -> str:
    name = found.lineage.variant[:12]
    event = "template_added" if found.state == "accepted" else "template_refused"
    note(
        run.context.lab,
        event,
        run.now,
        prompt_id=found.prompt_id,
        variant=found.lineage.variant,
        verdict_id=found.lineage.verdict_id,
        codes=list(found.codes),
        text=found.reason or f"mined from {name}",
    )
    codes = ", ".join(found.codes)
    return (
        f"Template of {found.prompt_id!r} ({name}): {found.state}{f', {codes}' if codes else ''}."
    )
