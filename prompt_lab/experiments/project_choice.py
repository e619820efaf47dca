"""Choose inputs, right answer and scoring of a new project out of its prompt and table."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from prompt_lab.config.checks import WEIGHTED_MEAN
from prompt_lab.errors import StoreError, UnknownName, UsageError
from prompt_lab.evaluate.normalize import normalize_text
from prompt_lab.experiments.data_rows import DataTable, read_table
from prompt_lab.experiments.import_plans import GOLD_NAMES, ID_NAMES
from prompt_lab.prompts.text import placeholders
from prompt_lab.store.files import read_given_text

INPUT_NAMES = ("input", "text", "question", "query", "prompt", "message", "document")
"""Columns that hold the input of a prompt without placeholders, where none is named."""
SHORT_ANSWER = 60
"""Mean characters of right answers up to which they are compared as a whole."""
SCORES = ("exact", "normalized", "contains", "number", "set_f1", "rouge_l", "chrf")
_NUMBER = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?%?")


@dataclass(frozen=True)
class ModelChoice:
    """The model of a new project, as `models:` holds it; `known` is the alias of a shipped one."""

    alias: str
    provider: str = ""
    id: str = ""
    base_url: str = ""
    key_env: str = ""
    price: tuple[float, float] | None = None

    @property
    def is_shipped(self) -> bool:
        """Whether the alias names a model that Prompt Lab brings along."""
        return not self.provider


@dataclass(frozen=True)
class ProjectChoice:
    """Everything that is written into a new promptlab.yaml, and how the table becomes plans."""

    step: str
    prompt: Path
    data: Path
    inputs: Mapping[str, str]
    """Placeholder -> column."""
    gold: tuple[str, ...]
    answer: str
    """text or json."""
    score: str
    """Kind of the check of a text; '' for JSON, whose fields are compared."""
    model: ModelChoice
    schema: Path | None = None
    max_tokens: int = 256
    notes: tuple[str, ...] = field(default=())
    """What was chosen without being named, one sentence each."""

    @property
    def primary(self) -> str:
        """The part of the score that decides."""
        return WEIGHTED_MEAN if self.score else "fields"

    @property
    def output(self) -> str:
        """The file of the answer."""
        return f"answer.{'txt' if self.answer == 'text' else 'json'}"


PROVIDERS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "ollama": "",
}
"""Provider -> the variable of its key."""


def choose_model(
    name: str, *, base_url: str, key_env: str, shipped: Mapping[str, str], prices: Mapping[str, Any]
) -> ModelChoice:
    """The model that a command names: 'provider/id', or an alias of `shipped` (alias -> id).

    With `base_url` it is a server that speaks chat completions; a key is then sent only if
    `key_env` names it. `prices`: id -> (input, output) in US dollars per million tokens. Raises
    UsageError.

    >>> choose_model("openai/gpt-x", base_url="", key_env="", shipped={}, prices={}).key_env
    'OPENAI_API_KEY'
    """
    if name in shipped and not base_url:
        return ModelChoice(name)
    provider, slash, rest = name.partition("/")
    if base_url:
        given = rest if slash and provider in (*PROVIDERS, "openai_like") else name
        alias = _slug(given.rpartition("/")[2])
        return ModelChoice(alias, "openai_like", given, base_url, key_env, prices.get(given))
    if provider not in PROVIDERS or not rest:
        known = ", ".join(f"{one}/…" for one in PROVIDERS)
        raise UsageError(
            f"--model {name}: write it as {known}, or as an alias ({', '.join(sorted(shipped))}); "
            "a server of your own also takes --base-url"
        )
    key = key_env or PROVIDERS[provider]
    return ModelChoice(_slug(rest.rpartition("/")[2]), provider, rest, "", key, prices.get(rest))


def choose_project(
    prompt: Path,
    data: Path,
    model: ModelChoice,
    *,
    inputs: Mapping[str, str],
    gold: Sequence[str],
    score: str,
    schema: Path | None,
) -> ProjectChoice:
    """Inputs by the prompt's placeholders, right answer by the columns' names, scoring by its form.

    What a flag names is taken. Raises UsageError or UnknownName where that leaves a choice open,
    StoreError for a file that cannot be read.
    """
    text, table = read_given_text(prompt), read_table(data)
    if not text.strip():
        raise StoreError(f"{prompt}: is empty: write the prompt there")
    for wanted in (*inputs.values(), *gold):
        if wanted not in table.columns:
            raise UnknownName("column", wanted, table.columns, f"the header of {data}")
    if not table.rows:
        raise StoreError(f"{data}: holds no rows: add one for each example")
    right = list(gold) or _find_gold(data, table, text, inputs)
    chosen, notes = _choose_inputs(prompt, text, data, table, inputs, right)
    values = [row.values.get(column) for column in right for row in table.rows]
    answer = "json" if schema or len(right) > 1 or all(map(_is_object, values)) else "text"
    kind = "" if answer == "json" else (score or guess_check([_to_text(v) for v in values]))
    if score and answer == "json":
        raise UsageError(f"--score {score}: an answer in JSON is compared field by field")
    if not score and kind:
        notes.append(f"The right answers look like those of the check {kind!r}: --score changes it")
    longest = max((len(_to_text(value)) for value in values), default=0) * len(right)
    return ProjectChoice(
        step=_slug(prompt.stem).replace(".", "_") or "prompt",
        prompt=prompt,
        data=data,
        inputs=chosen,
        gold=tuple(right),
        answer=answer,
        score=kind,
        model=model,
        schema=schema,
        max_tokens=max(256, min(4096, longest)),
        notes=tuple(notes),
    )


def guess_check(values: Sequence[str]) -> str:
    """The kind of check that fits right answers of this form.

    >>> guess_check(["12", "1,200.50"]), guess_check(["Billing", "Crash"]), guess_check(["x " * 99])
    ('number', 'normalized', 'rouge_l')
    """
    filled = [value.strip() for value in values if value.strip()]
    if filled and all(_NUMBER.fullmatch(value) for value in filled):
        return "number"
    is_short = not filled or fmean(map(len, filled)) <= SHORT_ANSWER
    return "normalized" if is_short else "rouge_l"


def describe_choice(choice: ProjectChoice) -> list[str]:
    """Lines that say what will be written."""
    files = [f"{column} -> {{{name}}}" for name, column in choice.inputs.items()]
    scored = f"check {choice.score!r}" if choice.score else "each field of the right answer"
    model = choice.model
    where = f" at {model.base_url}" if model.base_url else ""
    key = f", key in {model.key_env}" if model.key_env else ", no key"
    shipped = "a shipped model" if model.is_shipped else f"{model.provider} {model.id}{where}{key}"
    return [
        f"  prompt    {choice.prompt}",
        f"  data      {choice.data}: {', '.join(files)}",
        f"  right     {', '.join(choice.gold)} ({choice.answer})",
        f"  scored    by {scored}",
        f"  model     {model.alias}: {shipped}",
        *(f"  note      {note}." for note in choice.notes),
    ]


def _find_gold(data: Path, table: DataTable, text: str, inputs: Mapping[str, str]) -> list[str]:
    named = {name.lower() for name in placeholders(text)} | {c.lower() for c in inputs.values()}
    free = [c for c in table.columns if c.lower() not in named]
    lower = {column.lower(): column for column in free}
    for known in GOLD_NAMES:
        if known in lower:
            return [lower[known]]
    others = [c for c in free if c.lower() not in ID_NAMES]
    if named & {c.lower() for c in table.columns} and len(others) == 1:
        return others
    raise UsageError(
        f"{data}: which column holds the right answer? Name it with --gold COLUMN (several: the "
        f"fields of an answer in JSON). Columns: {', '.join(table.columns)}"
    )


def _choose_inputs(
    prompt: Path,
    text: str,
    data: Path,
    table: DataTable,
    inputs: Mapping[str, str],
    gold: Sequence[str],
) -> tuple[dict[str, str], list[str]]:
    """(placeholder -> column, what was assumed)."""
    free = [column for column in table.columns if column not in gold]
    lower = {column.lower(): column for column in free}
    names = placeholders(text)
    chosen = {n: lower[n.lower()] for n in sorted(names) if n.lower() in lower} | dict(inputs)
    if chosen:
        return chosen, []
    left = [column for column in free if column.lower() not in ID_NAMES]
    known = [lower[name] for name in INPUT_NAMES if name in lower]
    column = known[0] if known else left[0] if len(left) == 1 else ""
    if not column or len(names) > 1:
        said = ", ".join(f"{{{name}}}" for name in sorted(names)) or "no placeholder"
        raise UsageError(
            f"{prompt}: holds {said}, and no column of {data} is called so: name the input with "
            f"--input NAME=COLUMN. Columns: {', '.join(table.columns)}"
        )
    if names:
        [name] = names
        return {name: column}, [f"{column!r} is filled into {{{name}}}"]
    return {"input": column}, [f"The prompt has no placeholder, {column!r} is the user message"]


def _is_object(value: object) -> bool:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return False
    return isinstance(value, dict)


def _to_text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", normalize_text(name)).strip("-.")[:60] or "model"
