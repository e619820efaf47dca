"""What the page of asking by parts shows: decisions, switches, and graphs of train plans alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from prompt_lab.names import Side, Split
from prompt_lab.promptops.abilities import AbilitySwitches, find_ability_trials
from prompt_lab.promptops.merging.records import SPLIT_FILE, SplitAnswer
from prompt_lab.promptops.split_trial import SplitDecision, decisions_folder
from prompt_lab.report.intents_page import GraphLink, GraphPart, GraphView, render_intents
from prompt_lab.report.registry_page import Viewer
from prompt_lab.store.batch import batch_path, read_batch
from prompt_lab.store.files import read_if_whole, write_text
from prompt_lab.store.layout import Lab

MOST_GRAPHS: Final = 20


def render_intents_page(lab: Lab, viewer: Viewer | None = None) -> str:
    """The page as HTML, newest trial first. Sealed plans are not shown."""
    trials = [name for name, _ in reversed(find_ability_trials(lab, "decomposition"))]
    folder = decisions_folder(lab)
    known = (read_if_whole(folder / f"{name}.json", SplitDecision) for name in trials)
    graphs = [view for name in trials for view in _list_graphs(lab, name)]
    entries = AbilitySwitches.load(lab).find_entries("decomposition")
    switches = [(one.task_class, one.verdict_id) for one in entries]
    return render_intents([one for one in known if one], graphs[:MOST_GRAPHS], switches, viewer)


def write_intents_page(lab: Lab) -> Path:
    """Write promptops/intents.html; its path. Raises StoreError."""
    path = lab.root / "promptops" / "intents.html"
    write_text(path, render_intents_page(lab))
    return path


def view_graph(name: str, split: SplitAnswer) -> GraphView:
    """The graph of one run as the page shows it."""
    answers = {one.node_id: one for one in split.merged.parts}
    parts = []
    for node in split.graph.nodes:
        found = answers.get(node.id)
        parts.append(
            GraphPart(
                id=node.id,
                kind=node.kind,
                text=node.text,
                prompt_family=node.prompt_family,
                answer=found.text if found else "",
                confidence=found.confidence if found else 0.0,
                error=found.error if found else "",
                sources=found.sources if found else (),
                prompt_id=found.prompt_id if found else "",
                snapshot=found.snapshot if found else "",
            )
        )
    return GraphView(
        name=name,
        query=split.graph.query,
        reason=split.graph.reason,
        is_split=split.graph.split,
        parts=tuple(parts),
        links=tuple(
            GraphLink(one.source, one.target, one.variable, one.binding)
            for one in split.graph.edges
        ),
        answer=split.merged.text,
        fallback_used=split.merged.fallback_used,
        conflicts=tuple((one.code.value, one.text, one.kept) for one in split.merged.conflicts),
    )


def _list_graphs(lab: Lab, verdict_id: str) -> Iterator[GraphView]:
    """Of the candidate's runs on train plans."""
    number, _, step = verdict_id.partition("_")
    path = batch_path(lab, int(number), step, Split.TRAIN.value)
    if not path.exists():
        return
    for run in read_batch(path).runs:
        found = read_if_whole(lab.root / run.path / SPLIT_FILE, SplitAnswer)
        if run.side is Side.CANDIDATE and found is not None:
            yield view_graph(run.plan, found)
