"""Reasons not to take an agent's work, each with its code."""

import pytest

from prompt_lab.agents.port import AgentResult, Ending
from prompt_lab.agents.refusals import of_changes, of_ending, of_secrets, of_verify
from prompt_lab.config.agents import AgentConfig
from prompt_lab.propose.budget import ChangedFile
from prompt_lab.records import PlanText
from prompt_lab.redact import Redactor

CONFIG = AgentConfig(name="a", kind="scripted", paths=("prompts",), seconds=9, cost_usd=0.5)
DIFF = "--- a/p.txt\n+++ b/p.txt\n@@ -1 +1 @@\n-old\n+{line}\n"


def plan(n: int, split: str) -> PlanText:
    text = f"Invoice {7000 + n} of the {split} shop. To pay until Friday: {n + 31}.75 euros."
    return PlanText(
        name=f"{split}_{n}", inputs={"i.txt": text}, gold={"o.json": f'{{"a": {n + 31}.75}}'}
    )


TRAIN, VERIFY = [plan(n, "train") for n in range(8)], [plan(n, "verify") for n in range(40, 48)]


@pytest.mark.parametrize(
    ("ending", "cost", "code"),
    [
        (Ending.DONE, 0.5, None),
        (Ending.DONE, 0.51, "cost_limit"),
        (Ending.COST, 0.1, "cost_limit"),
        (Ending.TIME, 0.0, "time_limit"),
        (Ending.OUTPUT, 0.0, "output_limit"),
        (Ending.MEMORY, 0.0, "memory_limit"),
        (Ending.PROCESSES, 0.0, "process_limit"),
        (Ending.FAILED, 0.0, "failed"),
    ],
)
def test_how_it_ended(ending: Ending, cost: float, code: str | None) -> None:
    found = of_ending(AgentResult("", "", ending, "why", cost_usd=cost), CONFIG)
    assert [fault.code for fault in found] == ([code] if code else [])


def test_what_it_changed() -> None:
    assert [f.code for f in of_changes([ChangedFile("main.py")], CONFIG)] == ["outside_paths"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Extract the amount.", False),
        ("token = 'sk-live-0123456789abcdefghij'", True),
        ("our-own-secret", True),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("the API key is not given", False),
    ],
)
def test_keys_in_added_lines(line: str, found: bool) -> None:
    faults = of_secrets(DIFF.format(line=line), Redactor(["our-own-secret"]))
    assert [fault.code for fault in faults] == (["secret"] if found else [])
    assert all("our-own-secret" not in fault.text for fault in faults)


def test_a_key_that_was_there_before_and_goes_is_none() -> None:
    assert not of_secrets(DIFF.format(line="new").replace("-old", "-our-own-secret"),
                          Redactor(["our-own-secret"]))  # fmt: skip


def seen(written: str = "", printed: str = "", honest: str = "") -> bool:
    return bool(of_verify(written, printed, honest, train=TRAIN, verify=VERIFY))


def test_text_of_verify_plans_is_found() -> None:
    text = VERIFY[0].inputs["i.txt"]
    assert seen(written=text)
    assert seen(printed=f'{{"type": "tool_result", "content": "{text}"}}')
    assert seen(written="Such as 71.75.")
    assert seen(printed=" ".join(p.gold["o.json"] for p in VERIFY))


def test_what_has_an_honest_source_is_not() -> None:
    assert not seen(written=TRAIN[0].inputs["i.txt"])
    assert not seen(printed=VERIFY[0].inputs["i.txt"], honest=VERIFY[0].inputs["i.txt"])
    assert not seen(printed="It took 71.75 seconds.")
    assert not seen(written="Extract the amount in euros.", printed="Done after 3 turns.")
