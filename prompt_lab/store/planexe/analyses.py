"""Analyses that another tool left: what was changed, which runs it cites, how it was judged."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from prompt_lab.names import Outcome
from prompt_lab.store.counters import iterations, odd_names
from prompt_lab.store.iterations import is_ours
from prompt_lab.store.layout import Lab
from prompt_lab.store.planexe.lenient import (
    Faults,
    children,
    clean,
    is_folder,
    read_object,
    read_text,
)
from prompt_lab.store.planexe.runs import Irregular

EXPECTED = ("synthesis.md", "assessment.md")
_CITED = re.compile(r"[0-9]{1,9}/[0-9]{1,9}_[^/]+")
_PULL = re.compile(r"/(?:pull|merge_requests)/([0-9]{1,9})(?:[/?#]|$)")
_HEADING = re.compile(r"^#{1,6}[ \t]*verdict\b[ \t]*:?(.*)$", re.IGNORECASE | re.MULTILINE)
_VOID = re.compile(r"^#{1,6}[ \t]*INVALID EXPERIMENT\b.*$", re.IGNORECASE | re.MULTILINE)
_COMPARED = re.compile(r"^#{1,6}[ \t]*overall verdict\b.*$", re.IGNORECASE | re.MULTILINE)
_GRADE = re.compile(r"\b(BETTER|COMPARABLE|MIXED|WORSE)\b")
_NEXT = re.compile(r"^(?:#{1,6}\s|-{3,}\s*$)", re.MULTILINE)
_WORD = re.compile(r"\b(YES|KEEP|NO|CONDITIONAL|INVALID)\b")
_LEAD = re.compile(r"^\W*(?:YES|KEEP|NO|CONDITIONAL|INVALID)\b\W*")


class ForeignVerdict(NamedTuple):
    """A verdict in prose; `why` is what follows it, '' if nothing does.

    `said` is a word that is no outcome of ours: BETTER, COMPARABLE, MIXED or WORSE.
    """

    outcome: Outcome | None
    why: str
    said: str = ""


class Analysis(NamedTuple):
    """One analysis folder, as far as it could be read."""

    number: int
    step: str
    path: str
    title: str
    pull: int | None
    pull_url: str
    description: str
    verdict: ForeignVerdict
    cited: tuple[str, ...]
    """The run folders it is about, relative to history/: '1/89_step'."""
    documents: dict[str, str]
    faults: tuple[str, ...]


def foreign_analyses(lab: Lab) -> list[Analysis]:
    """Every analysis that is not ours, by number."""
    return [
        read_analysis(lab, number, step)
        for number, step in sorted(iterations(lab).items())
        if is_folder(folder := lab.analysis / f"{number}_{step}") and not is_ours(folder)
    ]


def read_analysis(lab: Lab, number: int, step: str) -> Analysis:
    """One analysis. Never raises for what its folder holds."""
    folder = lab.analysis / f"{number}_{step}"
    faults: Faults = []
    meta = read_object(folder / "meta.json", faults)
    url = clean(meta.get("pr_url"))
    pull = _PULL.search(url)
    documents = _documents(folder, faults)
    return Analysis(
        number=number,
        step=clean(step),
        path=clean(lab.relative(folder)),
        title=clean(meta.get("pr_title") or meta.get("branch")),
        pull=int(pull.group(1)) if pull else None,
        pull_url=url,
        description=clean(meta.get("pr_description")),
        verdict=_verdict_of(documents),
        cited=_cited(lab, meta, faults),
        documents=documents,
        faults=tuple(dict.fromkeys(faults)),
    )


def irregular_analyses(lab: Lab) -> Iterator[Irregular]:
    """Every analysis of another tool with something wrong, once; and what counts as none."""
    for name in odd_names(lab):
        path = clean(lab.relative(lab.analysis / name))
        yield Irregular(path, ("is not named <number>_<step>, and counts as no iteration",))
    for analysis in foreign_analyses(lab):
        if analysis.faults:
            yield Irregular(analysis.path, analysis.faults)


def _verdict_of(documents: dict[str, str]) -> ForeignVerdict:
    """The assessment's; where it has none, what the comparison with a baseline says."""
    found = read_verdict(documents.get("assessment.md", ""))
    return found if found.outcome else read_comparison(documents.get("baseline_comparison.md", ""))


def read_comparison(text: str) -> ForeignVerdict:
    """What a comparison says first under its heading 'Overall Verdict'.

    >>> read_comparison("## Overall Verdict\\n\\n**MIXED**: it depends.\\n")
    ForeignVerdict(outcome=None, why='it depends.', said='MIXED')
    """
    found = _COMPARED.search(text)
    paragraphs = _paragraphs(text, found.end()) if found else []
    word = _GRADE.search(" ".join(paragraphs))
    if word is None:
        return ForeignVerdict(None, "")
    lead = re.compile(rf"^\W*{word[1]}\b\W*")
    why = next((lead.sub("", part) for part in paragraphs if lead.sub("", part)), "")
    return ForeignVerdict(None, why, word[1])


def _paragraphs(text: str, start: int) -> list[str]:
    """From a place to the next heading or rule."""
    rest = text[start:]
    ends = _NEXT.search(rest)
    body = rest[: ends.start()] if ends else rest
    return [" ".join(part.split()) for part in body.split("\n\n") if part.strip()]


def read_verdict(text: str) -> ForeignVerdict:
    """What an assessment says under its heading 'Verdict', or on that very line.

    >>> read_verdict("# A\\n## Verdict\\n\\n**KEEP**: it works.\\n\\nMore.\\n## Next\\n").why
    'it works.'
    >>> read_verdict("## Verdict: NO\\n\\nA disaster.").why
    'A disaster.'

    A heading 'Invalid experiment' voids whatever else it says.
    """
    void = _VOID.search(text)
    if void is not None:
        return ForeignVerdict(Outcome.INVALID, next(iter(_paragraphs(text, void.end())), ""))
    found = _HEADING.search(text)
    if found is None:
        return ForeignVerdict(None, "")
    rest = text[found.end() :]
    ends = _NEXT.search(rest)
    body = rest[: ends.start()] if ends else rest
    word = _WORD.search(found.group(1)) or _WORD.search(body)
    if word is None:
        return ForeignVerdict(None, "")
    paragraphs = _paragraphs(text, found.end())
    why = next((_LEAD.sub("", part) for part in paragraphs if _LEAD.sub("", part)), "")
    name = "YES" if word.group(1) == "KEEP" else word.group(1)
    return ForeignVerdict(Outcome(name), why)


def _documents(folder: Path, faults: Faults) -> dict[str, str]:
    found = {}
    for path in children(folder):
        if path.suffix == ".md" and not is_folder(path):
            text = read_text(path, faults)
            if text is not None:
                found[clean(path.name)] = text
    faults += [f"no {name}" for name in EXPECTED if name not in found]
    return found


def _cited(lab: Lab, meta: dict[str, Any], faults: Faults) -> tuple[str, ...]:
    history = meta.get("history")
    if not isinstance(history, list) or not history:
        faults.append("meta.json cites no run folders")
        return ()
    cited = tuple(dict.fromkeys(clean(one) for one in history))
    there = [one for one in cited if _CITED.fullmatch(one) and is_folder(lab.history / one)]
    gone = [one for one in cited if one not in there]
    if gone:
        faults.append(f"cites run folders that are not there: {', '.join(gone)}")
    return tuple(there)
