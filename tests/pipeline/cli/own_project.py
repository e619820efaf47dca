"""A prompt, 80 examples in a table, and a model server: what a new user arrives with."""

import csv
import re
from collections.abc import Iterator
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

from tests.docs.readme import blocks

PROMPT = "Classify the ticket as refund or delivery.\n[user]\n{ticket}\n"
HINT = "Answer with one word."
BETTER = PROMPT.replace("delivery.", f"delivery. {HINT}")
SAME = BETTER.replace("Classify", "Please classify")
"""Another wording of BETTER, to which the server answers alike."""
ROWS = 80
SUBJECT = {"refund": "money", "delivery": "parcel"}


def write_files(folder: Path) -> None:
    """prompt.txt, better.txt, same.txt and cases.csv."""
    for name, text in (("prompt", PROMPT), ("better", BETTER), ("same", SAME)):
        (folder / f"{name}.txt").write_text(text)
    with (folder / "cases.csv").open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["ticket", "label"])
        for n in range(ROWS):
            label = list(SUBJECT)[n % 2]
            rows.writerow([f"Ticket {n}: where is my {SUBJECT[label]}?", label])


def answer_ticket(system: str, user: str) -> str:
    """The label alone where the prompt asks for one word, else mostly a sentence around it."""
    label = next((label for label, word in SUBJECT.items() if word in user), "ok")
    is_short = HINT in system or sha256(user.encode()).digest()[0] % 10 < 3
    return label if is_short else f"The customer asks about {label}."


def transcript() -> list[tuple[str, list[str]]]:
    """(command, lines of its output) as the README shows them; lines '…' are left out."""
    [block] = blocks("console")
    parts = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)[1:]
    pairs = zip_longest(parts[::2], parts[1::2], fillvalue="")
    return [
        (command, [line for line in text.splitlines() if line.strip() not in ("", "…")])
        for command, text in pairs
    ]


def find_missing_lines(shown: list[str], printed: str) -> Iterator[str]:
    """Lines of a transcript that a command did not print, in this order."""
    left = iter(re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", printed).splitlines())
    for line in shown:
        if not any(line.rstrip() == other.rstrip() for other in left):
            yield line
