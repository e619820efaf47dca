"""Ask a query by parts: all parts at once under the caller's limit, the whole query beside them.

A part that takes another part's answer waits for it. Time and money of all calls are added up.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from prompt_lab.errors import CallRefused, TransientError
from prompt_lab.promptops.decomposition.records import IntentGraph, IntentNode
from prompt_lab.promptops.merging.conflicts import WHOLE
from prompt_lab.promptops.merging.merge import merge_answers
from prompt_lab.promptops.merging.records import MergedAnswer, PartAnswer

LONGEST_VALUE: Final = 300
"""Characters of a part's answer that are given to another part."""
AskPart = Callable[[IntentNode, str], PartAnswer]
"""(node, its question with all variables written out) -> its answer."""
AskWhole = Callable[[], PartAnswer]


def answer_by_parts(
    graph: IntentGraph, ask_part: AskPart, ask_whole: AskWhole, *, at_once: int
) -> MergedAnswer:
    """The merged answer. The whole query is always asked, first; alone where there are no parts.

    `at_once` is the concurrency of the caller's provider. A part whose call is refused, or whose
    model cannot be reached, has failed; the same of the whole query is raised where no part could
    take its place. Any other error is raised.
    """
    began = time.monotonic()
    with ThreadPoolExecutor(max_workers=max(1, at_once)) as pool:
        whole = pool.submit(_ask_whole, ask_whole)
        parts = _ask_parts(graph, ask_part, pool) if graph.split else []
        answer, refused = whole.result()
    if refused is not None and all(one.error for one in parts):
        raise refused
    wanted = [one.id for one in graph.nodes] if graph.split else []
    merged = merge_answers(parts, answer, wanted)
    return merged.model_copy(update={"seconds": time.monotonic() - began})


def write_question(node: IntentNode, values: Mapping[str, str]) -> str:
    """The part as it is asked: its text, then each referring expression with what it stands for.

    >>> node = IntentNode(id="n1", kind="timeline", text="Who led it?", prompt_family="f")
    >>> write_question(node, {"it": "Siemens"})
    'Who led it?\\n(it = Siemens)'
    """
    bound = {**node.binds, **values}
    notes = "; ".join(f"{name} = {' '.join(value.split())}" for name, value in bound.items())
    return f"{node.text}\n({notes})" if notes else node.text


def _ask_parts(graph: IntentGraph, ask_part: AskPart, pool: ThreadPoolExecutor) -> list[PartAnswer]:
    """The answers in the order of the nodes; in waves, each of what waits for none that is open."""
    done: dict[str, PartAnswer] = {}
    waiting = list(graph.nodes)
    while waiting:
        ready = [one for one in waiting if set(graph.list_sources(one.id)) <= done.keys()]
        if not ready:  # a cycle, which no builder makes
            break
        running: dict[str, Future[PartAnswer]] = {
            one.id: pool.submit(_ask_part, graph, one, done.copy(), ask_part) for one in ready
        }
        done |= {name: future.result() for name, future in running.items()}
        waiting = [one for one in waiting if one.id not in done]
    return [done[one.id] for one in graph.nodes if one.id in done]


def _ask_part(
    graph: IntentGraph, node: IntentNode, done: Mapping[str, PartAnswer], ask_part: AskPart
) -> PartAnswer:
    values = {}
    for edge in graph.edges:
        if edge.target == node.id and edge.takes_answer:
            source = done[edge.source]
            if source.error or not source.text.strip():
                return PartAnswer(node_id=node.id, error=f"{edge.source} has no answer to take")
            values[edge.variable] = source.text.strip()[:LONGEST_VALUE]
    question = write_question(node, values)
    try:
        return ask_part(node, question)
    except (CallRefused, TransientError) as error:
        return PartAnswer(node_id=node.id, question=question, error=str(error) or "refused")


def _ask_whole(ask_whole: AskWhole) -> tuple[PartAnswer, CallRefused | TransientError | None]:
    try:
        return ask_whole(), None
    except (CallRefused, TransientError) as error:
        return PartAnswer(node_id=WHOLE, error=str(error) or "refused"), error
