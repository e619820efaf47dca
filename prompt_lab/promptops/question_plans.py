"""A plan made from one call: its question with its sources, and what a right answer holds."""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from pydantic import Field, ValidationError

from prompt_lab.errors import StoreError
from prompt_lab.evaluate.normalize import normalize_text
from prompt_lab.promptops.expectations import Expectation
from prompt_lab.promptops.personal import hide_personal
from prompt_lab.records import Record
from prompt_lab.store.plans import TRACE_PREFIX

EXPECTED_FILE: Final = "answer.txt"
"""The gold of a plan, as JSON: the step's output has the same name."""
_SOURCE: Final = re.compile(r"\n\n\[\d+\] ")
MOST_QUESTION: Final = 4_000
MOST_SOURCES: Final = 20
MOST_SOURCE: Final = 2_000


class GoldenCase(Record):
    """One case of query_eval_cases*.json."""

    id: str
    query: str
    prompt_id: str = Field(default="", description="'': of every prompt of its task class")
    task_class: str = Field(default="", description="'': of every class")
    expects_any: tuple[str, ...] = ()
    expects_all: tuple[str, ...] = ()
    expect_exact: str = ""
    require_citations: bool = False
    sources: tuple[str, ...] = ()

    @property
    def expected(self) -> Expectation:
        """What the answer is scored against."""
        return Expectation.model_validate({**self.model_dump(), "question": self.query})


def parse_case(value: object) -> GoldenCase:
    """A case of a file of cases. Raises ValueError with what is wrong with it."""
    if not isinstance(value, Mapping):
        raise ValueError("it is no JSON object")
    try:
        known = Expectation.model_validate({**value, "question": str(value.get("query", ""))})
        given = {name: value[name] for name in ("prompt_id", "task_class") if name in value}
        case = GoldenCase.model_validate(
            {**known.model_dump(), "id": str(value.get("id", "")), "query": known.question, **given}
        )
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ValueError(f"{place}: {first['msg']}") from error
    if not case.id or not case.query.strip():
        raise ValueError("it needs 'id' and 'query'")
    if not case.expected.is_scorable:
        raise ValueError("it needs expects_any, expects_all, expect_exact or sources")
    return case


def question_file(prompt_id: str) -> str:
    """The name of the input file of this prompt's plans, so that no other step takes them."""
    return f"{prompt_id}.question.txt"


def name_plan(prompt_id: str, question: str) -> str:
    """The name of the plan of a question, which says nothing about it.

    Equal questions but for case and spaces have one name: a set holds each once.
    """
    text = f"{prompt_id}\0{normalize_text(question)}"
    return f"{TRACE_PREFIX}{sha256(text.encode('utf-8', 'backslashreplace')).hexdigest()[:16]}"


def build_question_plan(
    prompt_id: str, question: str, expected: Mapping[str, Any], sources: Sequence[str]
) -> dict[str, str] | None:
    """File name -> text; None where no answer could be scored. Personal data is removed."""
    clean = tuple(hide_personal(one)[:MOST_SOURCE] for one in sources[:MOST_SOURCES])
    question = hide_personal(question).strip()[:MOST_QUESTION]
    try:
        gold = Expectation.model_validate({**expected, "sources": clean, "question": question})
    except ValidationError:
        return None
    if not question or not gold.is_scorable:
        return None
    text = json.dumps(gold.model_dump(mode="json"), ensure_ascii=False, indent=2) + "\n"
    return {question_file(prompt_id): render_question(question, clean) + "\n", EXPECTED_FILE: text}


def render_question(question: str, sources: Sequence[str]) -> str:
    """The user message: the question, then its sources, numbered as citations name them.

    >>> render_question("Who?", ["Ann did it."])
    'Who?\\n\\n[1] Ann did it.'
    """
    numbered = [f"[{at}] {' '.join(text.split())}" for at, text in enumerate(sources, 1)]
    return "\n\n".join([question, *numbered])


def split_question(text: str) -> tuple[str, tuple[str, ...]]:
    """The question and the sources of a user message as `render_question` writes it.

    >>> split_question("Who?\\n\\n[1] Ann did it.\\n\\n[2] Bob saw it.")
    ('Who?', ('Ann did it.', 'Bob saw it.'))
    """
    question, *sources = _SOURCE.split(text)
    return question.strip(), tuple(one.strip() for one in sources)


def read_expectation(gold: str | Mapping[str, Any] | None, place: str) -> Expectation:
    """The gold of a plan. Raises StoreError with its place where it is none."""
    try:
        value = json.loads(gold) if isinstance(gold, str) else gold
        return Expectation.model_validate(value or {})
    except (ValueError, RecursionError) as error:
        raise StoreError(
            f"{place}: is no expectation of an answer. Delete the plan's folder; the next growth of"
            " the challenge set makes it again."
        ) from error
