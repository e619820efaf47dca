"""The plans of examples/invoices: enough of them, varied, and with gold that is right."""

import csv
import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2] / "examples" / "invoices"
STEM = {"extract_invoice": "invoice", "classify_ticket": "ticket"}
LEAST = {
    ("train", "extract_invoice"): 30,
    ("train", "classify_ticket"): 12,
    ("verify", "extract_invoice"): 90,
    ("verify", "classify_ticket"): 36,
}
TRAPS = {
    *("invoice_number", "order_number", "customer_number", "reference_number"),
    *("date", "quantity", "vat_id", "net_gross"),
}
GROUPS = [(split, step) for split in ("train", "verify") for step in STEM]
MONEY = re.compile(
    r"(?:€|\bEUR)\s?(\d[\d.,]*\d|\d)|(\d[\d.,]*\d|\d)\s?(?:€|EUR\b|euros?\b)", re.IGNORECASE
)


def catalogue() -> list[dict[str, str]]:
    """The rows of plans.csv."""
    with (ROOT / "plans.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


ROWS = catalogue()
INVOICES = [row for row in ROWS if row["step"] == "extract_invoice"]


def group(split: str, step: str) -> list[dict[str, str]]:
    """The rows of one step in one split."""
    return [row for row in ROWS if (row["split"], row["step"]) == (split, step)]


def folder(row: dict[str, str]) -> Path:
    """Where the plan of a row lies."""
    return ROOT / "baseline" / row["split"] / row["plan"]


def text(row: dict[str, str]) -> str:
    """What a plan gives to its step."""
    return (folder(row) / f"{STEM[row['step']]}.txt").read_text(encoding="utf-8")


def gold(row: dict[str, str]) -> dict[str, Any]:
    """The right answer to a plan."""
    written = (folder(row) / f"{STEM[row['step']]}.json").read_text(encoding="utf-8")
    answer: dict[str, Any] = json.loads(written)
    return answer


def schema(step: str) -> dict[str, Any]:
    """The schema that the answers of a step are held to."""
    path = ROOT / "target" / "schemas" / f"{step}.json"
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read


def value(figure: str) -> float:
    """A sum as people write it, as a number: the last separator before two digits is decimal."""
    whole, cents = (figure[:-3], figure[-2:]) if re.search(r"[.,]\d\d$", figure) else (figure, "0")
    return float(re.sub(r"\D", "", whole) + "." + cents)


def sums(written: str) -> list[float]:
    """Every sum of money in a text, in euros."""
    return [value(before or after) for before, after in MONEY.findall(written)]


def grams(written: str) -> set[tuple[str, ...]]:
    """The word 5-grams of a text, without regard to case."""
    words = re.findall(r"\w+", written.lower())
    return {tuple(words[at : at + 5]) for at in range(len(words) - 4)}


def share(one: set[Any], other: set[Any]) -> float:
    """How much of the smaller set lies in the other one, in [0, 1]."""
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller else 0.0


def test_the_catalogue_lists_exactly_the_folders() -> None:
    listed = sorted((row["split"], row["plan"]) for row in ROWS)
    found = sorted((path.parent.name, path.name) for path in (ROOT / "baseline").glob("*/*"))
    assert listed == found
    assert len({row["plan"] for row in ROWS}) == len(ROWS)


def test_a_folder_holds_its_input_and_its_gold_alone() -> None:
    for row in ROWS:
        stem = STEM[row["step"]]
        held = sorted(path.name for path in folder(row).iterdir())
        assert held == [f"{stem}.json", f"{stem}.txt"], row["plan"]


@pytest.mark.parametrize(("split", "step"), GROUPS)
def test_each_split_has_plans_enough(split: str, step: str) -> None:
    assert len(group(split, step)) >= LEAST[split, step]


@pytest.mark.parametrize(("split", "step"), GROUPS)
def test_a_tenth_is_not_in_english(split: str, step: str) -> None:
    rows = group(split, step)
    assert sum(row["language"] != "en" for row in rows) * 10 >= len(rows)


@pytest.mark.parametrize("split", ["train", "verify"])
def test_net_and_gross_stand_in_a_fifth_at_most(split: str) -> None:
    rows = group(split, "extract_invoice")
    marked = [row for row in rows if "net_gross" in row["traps"].split()]
    assert 0 < len(marked) * 5 <= len(rows)


def test_the_traps_are_known_words() -> None:
    assert {trap for row in ROWS for trap in row["traps"].split()} <= TRAPS
    assert all(row["traps"] for row in INVOICES)


@pytest.mark.parametrize("step", sorted(STEM))
def test_gold_has_the_keys_and_types_of_the_schema(step: str) -> None:
    contract = schema(step)
    assert contract["description"]
    for row in (row for row in ROWS if row["step"] == step):
        answer = gold(row)
        assert list(answer) == contract["required"] == list(contract["properties"]), row["plan"]
        for name, field in contract["properties"].items():
            wanted = {"number": (int, float), "string": (str,)}[field["type"]]
            assert type(answer[name]) in wanted, row["plan"]
            assert answer[name] in field.get("enum", [answer[name]]), row["plan"]


def test_the_gold_amount_is_the_one_sum_of_money_in_the_text() -> None:
    for row in INVOICES:
        found, amount = sums(text(row)), gold(row)["amount"]
        if "net_gross" in row["traps"].split():
            assert len(set(found)) > 1, row["plan"]
            assert amount == max(found), row["plan"]
        else:
            assert found == [amount], row["plan"]


@pytest.mark.parametrize("split", ["train", "verify"])
def test_every_label_is_met_equally_often(split: str) -> None:
    met = Counter(gold(row)["label"] for row in group(split, "classify_ticket"))
    assert set(met) == set(schema("classify_ticket")["properties"]["label"]["enum"])
    assert len(set(met.values())) == 1


def test_no_two_plans_share_half_of_their_word_5_grams() -> None:
    read = [(row["plan"], grams(text(row))) for row in ROWS]
    close = [(a, b) for (a, one), (b, other) in combinations(read, 2) if share(one, other) >= 0.5]
    assert close == []


def test_the_measure_of_sharing_can_tell() -> None:
    one = grams("the price of the visit is low")
    assert share(one, grams("The price of the visit is low, and more words follow")) == 1.0
    assert share(one, grams("none of these words are met in the other text")) == 0.0


def test_sums_are_read_in_the_ways_people_write_them() -> None:
    assert sums("1,250.00 EUR or €89.50 or 430 euros") == [1250.0, 89.5, 430.0]
    assert sums("1.200 Euro, 340,50 € and EUR 720.00.") == [1200.0, 340.5, 720.0]
