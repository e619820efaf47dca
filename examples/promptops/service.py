"""The question service of `make demo-promptops`: it answers questions about orders.

`begin` makes its prompt in the lab's registry, `begin-parts` that of questions of several parts in
its repository. `answer N SEED` takes N questions of N customers,
each of which asks the contract for its prompt, the embedded model for an answer, and notes what
became of it. Equal requests are answered from memory, as the model answers them equally.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from pipeline.wiring import lab_context
from prompt_lab import open_promptops
from prompt_lab.clock import utc_now
from prompt_lab.experiments.context import LabContext
from prompt_lab.experiments.example_lab import copy_in
from prompt_lab.ports.llm import Request
from prompt_lab.prompts.manifest import PromptConstraints, PromptManifest
from prompt_lab.prompts.snapshots import Actor, ActorKind
from prompt_lab.records import Record
from prompt_lab.store.files import append_row, read_rows, write_text
from prompt_lab.store.prompt_guard import PromotionReason
from prompt_lab.store.prompt_verdicts import open_registry

PROMPT_ID, TASK_CLASS, MODEL = "orders", "orders", "smollm2"
FIRST = """Answer the question of a customer about an order.

Begin every answer with a warm greeting in verse. Praise the customer at length before anything
else.
"""
CITIES = ("Oslo", "Lima", "Quito", "Turin", "Lyon", "Porto", "Kyoto", "Perth", "Bergen", "Malaga")
GOODS = ["pump", "valve", "motor", "belt", "filter", "sensor", "hinge", "gear", "rotor", "cable"]
ORDERS = 80
TOKENS = 36


class Asked(NamedTuple):
    """One question with its source, and what a right answer holds one of."""

    question: str
    source: str
    expects_any: tuple[str, ...]


class Answered(Record):
    """One answer of the model that is remembered."""

    system: str
    user: str
    text: str
    is_whole: bool


def questions() -> list[Asked]:
    """One of each order. The model answers about half of them right under the first prompt."""
    rng, found = Random(5), []
    for _ in range(ORDERS):
        number, city, item = rng.randrange(1000, 9999), rng.choice(CITIES), rng.choice(GOODS)
        source = f"Order {number}: {rng.randrange(2, 90)} pieces of {item} from {city}."
        found.append(Asked(f"Which city sends order {number}?", source, (city,)))
    return found


def begin(context: LabContext) -> str:
    """Registry and repository; what is there already stays."""
    target = context.lab.root / "target"
    if not target.exists():
        source = context.lab.work / "service"
        write_text(source / "prompts" / f"{PROMPT_ID}.txt", FIRST)
        copy_in(context, source, target)
    registry = open_registry(context.lab)
    if registry.files.read_pointer() is None:
        editor = Actor(name="the editor", kind=ActorKind.PERSON)
        why = PromotionReason(editor, "as it was", utc_now())
        limits = PromptConstraints(shortest=20, size_factor=8.0)
        manifest = PromptManifest(id=PROMPT_ID, task_class=TASK_CLASS, constraints=limits)
        registry.import_texts({PROMPT_ID: FIRST}, {PROMPT_ID: manifest}, why)
    return f"The prompt:\n{FIRST}"


def begin_parts(context: LabContext) -> str:
    """The repository with the prompt of multi_part.txt; what is there already stays."""
    if not (context.lab.root / "target").exists():
        source = context.lab.work / "service"
        text = (Path(__file__).parent / "multi_part.txt").read_text(encoding="utf-8")
        write_text(source / "prompts" / "multi_part.txt", text)
        copy_in(context, source, context.lab.root / "target")
    return "The repository has the prompt prompts/multi_part.txt.\n"


def answer(context: LabContext, number: int, seed: int) -> Iterator[str]:
    """Take questions; a line on each text that was served."""
    model, rng, pool = Model(context), Random(seed), questions()
    counts: dict[str, list[int]] = {}
    ops = open_promptops(context.lab.root)
    for customer in range(number):
        asked = rng.choice(pool)
        raw = f"{asked.question}\n\n[1] {asked.source}"
        given = {
            "unit": f"{seed}/{customer}",
            "model": MODEL,
            "question": asked.question,
            "sources": [asked.source],
            "expected": {"expects_any": asked.expects_any},
        }
        prepared = ops.prepare(TASK_CLASS, raw, given)
        answered = model.ask(*split(prepared.prompt))
        named = any(word.lower() in answered.text.lower() for word in asked.expects_any)
        is_right = named and answered.is_whole
        ops.record_outcome(prepared.trace, success=is_right, answer=answered.text)
        count = counts.setdefault(prepared.arm or "all", [0, 0])
        count[0] += is_right
        count[1] += 1
    ops.close()
    for arm, (right, of) in sorted(counts.items()):
        yield f"  {arm}: {right} of {of} answers were right"


class Model:
    """The embedded model, with a memory in the lab."""

    def __init__(self, context: LabContext) -> None:
        self._llm = context.llm(MODEL)
        self._memory = context.lab.root / "answers.jsonl"
        rows = map(Answered.model_validate, read_rows(self._memory))
        self._known = {(one.system, one.user): one for one in rows}

    def ask(self, system: str, user: str) -> Answered:
        """The answer; `is_whole` where it ended by itself."""
        if (system, user) not in self._known:
            answer = self._llm.ask(Request(system, user, max_tokens=TOKENS))
            is_whole = answer.finish_reason != "length"
            row = Answered(system=system, user=user, text=answer.text, is_whole=is_whole)
            self._known[system, user] = row
            append_row(self._memory, row.model_dump())
        return self._known[system, user]


def split(prompt: object) -> tuple[str, str]:
    """System and user text of what `prepare` gave."""
    if isinstance(prompt, str):
        return "", prompt
    texts = {str(one["role"]): str(one["content"]) for one in prompt}  # type: ignore[attr-defined]
    return texts.get("system", ""), texts.get("user", "")


def main() -> int:
    """One of the commands."""
    context = lab_context()
    if sys.argv[1:] == ["begin"]:
        sys.stdout.write(begin(context))
    elif sys.argv[1:] == ["begin-parts"]:
        sys.stdout.write(begin_parts(context))
    elif len(sys.argv) == 4 and sys.argv[1] == "answer":
        for line in answer(context, int(sys.argv[2]), int(sys.argv[3])):
            sys.stdout.write(f"{line}\n")
    else:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
