"""Which system prompts the runs of another tool's iterations used, by their raw outputs."""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.analyses import Analysis, foreign_analyses
from prompt_lab.store.planexe.lenient import children, is_folder, read_object

PROMPT = "system_prompt"
"""The key of a raw output under which the prompt stands that was sent."""
RunPrompts = Mapping[str, Mapping[str, str]]
"""sha256 of a prompt (8 digits) -> run folder -> one raw output that holds it."""


class PromptSuspicion(NamedTuple):
    """An iteration whose runs seem to have used another prompt than its change has."""

    number: int
    step: str
    text: str
    evidence: tuple[str, ...]
    """Raw outputs, relative to the lab: two of each prompt."""


def prompts_of(lab: Lab, analysis: Analysis) -> dict[str, dict[str, str]]:
    """The prompts of an iteration's runs, as far as raw outputs were kept. Never raises."""
    found: dict[str, dict[str, str]] = {}
    for cited in analysis.cited:
        for out in children(lab.history / cited / "outputs"):
            for path in children(out) if is_folder(out) else ():
                prompt = read_object(path, []).get(PROMPT) if path.suffix == ".json" else None
                if isinstance(prompt, str) and path.name.endswith("_raw.json"):
                    key = sha256(prompt.encode("utf-8", "replace")).hexdigest()[:8]
                    found.setdefault(key, {}).setdefault(cited, lab.relative(path))
    return found


def audit_prompts(lab: Lab) -> tuple[list[tuple[Analysis, RunPrompts]], list[PromptSuspicion]]:
    """(each iteration of another tool with the prompts of its runs, what is suspicious)."""
    told: list[tuple[Analysis, RunPrompts]] = [
        (analysis, prompts_of(lab, analysis)) for analysis in foreign_analyses(lab)
    ]
    known = [(analysis, prompts) for analysis, prompts in told if prompts]
    return told, [found for index in range(len(known)) for found in _suspicions(known, index)]


def _suspicions(
    known: Sequence[tuple[Analysis, RunPrompts]], index: int
) -> Iterator[PromptSuspicion]:
    """Several prompts in one iteration; the prompt of the one before; one change, two prompts."""
    analysis, prompts = known[index]
    if len(prompts) > 1:
        text = f"its runs used {len(prompts)} prompts ({', '.join(sorted(prompts))})"
        yield _suspicion(analysis, text, prompts)
    for before, earlier in known[:index]:
        if before.step != analysis.step:
            continue
        same_change = analysis.pull is not None and before.pull == analysis.pull
        if same_change and not earlier.keys() & prompts.keys():
            text = (
                f"pull request #{analysis.pull} was run with prompt {', '.join(sorted(prompts))} "
                f"here and with {', '.join(sorted(earlier))} in iteration {before.number}: one of "
                "them ran a version that the pull request does not have"
            )
            yield _suspicion(analysis, text, prompts, earlier)
        elif not same_change and (shared := earlier.keys() & prompts.keys()):
            text = (
                f"its runs used prompt {', '.join(sorted(shared))}, as those of iteration "
                f"{before.number} did: its change is not in the prompt, or the runs were stale"
            )
            yield _suspicion(analysis, text, prompts, earlier)


def _suspicion(analysis: Analysis, text: str, *used: RunPrompts) -> PromptSuspicion:
    evidence = tuple(
        path for prompts in used for runs in prompts.values() for path in list(runs.values())[:2]
    )
    return PromptSuspicion(analysis.number, analysis.step, text, evidence)


def render_audit(
    told: Sequence[tuple[Analysis, RunPrompts]], found: Sequence[PromptSuspicion]
) -> str:
    """The report of `prompt-lab audit`, as text."""
    lines = ["System prompts of the runs of other tools, by their raw outputs", ""]
    for analysis, prompts in told:
        used = ", ".join(
            f"{key} in {len(runs)} of {len(analysis.cited)} run folders"
            for key, runs in sorted(prompts.items())
        )
        if used:
            pull = f" (#{analysis.pull})" if analysis.pull else ""
            lines.append(f"{analysis.number} {analysis.step}{pull}: {used}")
    unread = sum(not prompts for _, prompts in told)
    lines.append(f"{unread} iterations kept no raw output with a prompt." if unread else "")
    lines += ["", "Suspicious:" if found else "Nothing is suspicious."]
    for one in found:
        lines.append(f"- iteration {one.number} {one.step}: {one.text}")
        lines += [f"    {path}" for path in one.evidence]
    return "\n".join(lines)
