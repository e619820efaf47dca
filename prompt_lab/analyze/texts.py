"""Outputs of runs as (field, text): JSON is taken apart key by key, anything else is one text."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from prompt_lab.names import Side
from prompt_lab.records import PlanText, RunRow

_FENCE = re.compile(r"```[\w-]*\n(.*?)\n?```", re.DOTALL)
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)
NOT_JSON = object()


class Leaf(NamedTuple):
    """One value of an output. `field` is its path: 'total', 'items[].name', or a file's name."""

    field: str
    text: str


class Text(NamedTuple):
    """One text that a run answered with, and where it is from."""

    side: Side
    model: str
    plan: str
    path: str
    field: str
    text: str


def parse_json(text: str) -> Any:
    """Parse a JSON answer, in a code fence or not; NOT_JSON if it is no JSON object or list.

    >>> parse_json('Here you are: ```json\\n{"a": 1}\\n```')
    {'a': 1}
    """
    fenced = _FENCE.search(text)
    for source in (text, fenced.group(1) if fenced else ""):
        try:
            value = json.loads(source)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict | list):
            return value
    return NOT_JSON


def leaves(name: str, text: str, *, prefix: bool = False) -> tuple[Leaf, ...]:
    """The values of one output file; with `prefix` each field begins with the file's name.

    >>> leaves("a.json", '{"n": 2, "items": [{"w": "x"}, {"w": null}]}')
    (Leaf(field='n', text='2'), Leaf(field='items[].w', text='x'), Leaf(field='items[].w', text=''))
    """
    value = parse_json(text)
    if value is NOT_JSON:
        return (Leaf(name, text.strip()),)
    found = tuple(_walk(value, ""))
    return tuple(Leaf(f"{name}:{leaf.field}", leaf.text) for leaf in found) if prefix else found


def run_leaves(outputs: Mapping[str, str], *, prefix: bool) -> tuple[Leaf, ...]:
    """The values of all files of a run, in the order of the files' names."""
    named = sorted(outputs.items())
    return tuple(leaf for name, text in named for leaf in leaves(name, text, prefix=prefix))


def needs_prefix(rows: Iterable[RunRow]) -> bool:
    """Whether fields must say their file, as the runs have more than one."""
    return len({name for row in rows for name in row.outputs}) > 1


def collect(rows: Sequence[RunRow]) -> tuple[Text, ...]:
    """Every text of every run, without generated ids and what a second file only repeats."""
    prefix = needs_prefix(rows)
    return tuple(text for row in rows for text in _run_texts(row, prefix=prefix))


def _run_texts(row: RunRow, *, prefix: bool) -> Iterator[Text]:
    record, seen = row.record, set[str]()
    for name, content in sorted(row.outputs.items()):
        found = [
            leaf
            for leaf in leaves(name, content, prefix=prefix)
            if leaf.text and leaf.text not in seen and not _UUID.fullmatch(leaf.text)
        ]
        seen.update(leaf.text for leaf in found)
        for leaf in found:
            yield Text(record.side, record.model, record.plan, row.path, leaf.field, leaf.text)


def gold_leaves(row: RunRow, plan: PlanText, *, prefix: bool) -> tuple[Leaf, ...]:
    """The gold values to compare a run's outputs with; a single gold file fits any name."""
    gold = {name: text for name, text in plan.gold.items() if name in row.outputs}
    if not gold and len(plan.gold) == 1:
        name = next(iter(row.outputs), next(iter(plan.gold)))
        gold = {name: next(iter(plan.gold.values()))}
    found = run_leaves(gold, prefix=prefix)
    return tuple(leaf for leaf in found if not _UUID.fullmatch(leaf.text))


def _walk(value: Any, at: str) -> Iterator[Leaf]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _walk(inner, f"{at}.{_writable(key)}" if at else _writable(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner, f"{at}[]")
    elif value is None:
        yield Leaf(at, "")
    else:
        yield Leaf(at, _writable(value).strip() if isinstance(value, str) else json.dumps(value))


def _writable(text: str) -> str:
    """Remove lone surrogates, which JSON can express and no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
