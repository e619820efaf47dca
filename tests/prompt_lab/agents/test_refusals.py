"""Reasons not to take an agent's work, each with its code."""

import pytest

from prompt_lab.agents.port import AgentResult, Ending
from prompt_lab.agents.refusals import (
    Fault,
    of_changes,
    of_ending,
    of_secrets,
    of_texts,
    of_verify,
    redact_for_publication,
)
from prompt_lab.config.agents import AgentConfig
from prompt_lab.propose.budget import ChangedFile
from prompt_lab.records import PlanText
from prompt_lab.redact import Redactor

CONFIG = AgentConfig(name="a", kind="scripted", paths=("prompts",), seconds=9, cost_usd=0.5)


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


OURS = Redactor(["our-own-secret"])
SHAPED = "sk-live-0123456789abcdefghij"


def secrets(after: str, before: str = "old\n", path: str = "p.txt") -> list[Fault]:
    return of_secrets({path: (before.encode(), after.encode())}, OURS)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Extract the amount.", False),
        (f"token = '{SHAPED}'", True),
        ("our-own-secret", True),
        ("-----BEGIN RSA PRIVATE KEY-----", True),
        ("the API key is not given", False),
        (f"++ {SHAPED}", True),
        (f"sk-\u200b{SHAPED[3:]}", True),
        (f"KEY_{SHAPED}", True),
        ("our-own-\nsecret", True),
    ],
)
def test_keys_in_a_changed_file(line: str, found: bool) -> None:
    faults = secrets(f"new\n{line}\n")
    assert [fault.code for fault in faults] == (["secret"] if found else [])
    assert all("our-own-secret" not in fault.text for fault in faults)


@pytest.mark.parametrize("end", ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\0"])
def test_no_sign_before_a_key_hides_it(end: str) -> None:
    assert secrets(f"note{end}{SHAPED}\n")
    assert secrets(f"note{end}our-own-secret\n")


def test_a_key_in_the_name_of_a_file() -> None:
    [fault] = secrets("x\n", path="our-own-secret/p.txt")
    assert fault.text == "a key is in '[key]/p.txt'"


@pytest.mark.parametrize("key", [SHAPED, "our-own-secret"])
@pytest.mark.parametrize("sign", ["", "\u200b", "\u00ad", "\U000e0041"])
def test_a_key_in_what_is_published_with_the_files(key: str, sign: str) -> None:
    text = f"It is {key[:5]}{sign}{key[5:]}"
    [fault] = of_secrets({}, OURS, {"the title": "Fine \u200b words", "the description": text})
    assert (fault.code, fault.text) == ("secret", "a key is in 'the description'")
    assert redact_for_publication(text, OURS) == "It is [key]"


def test_what_hides_no_key_is_told_as_it_is() -> None:
    text = 'One\u200d joined \uff19, "api_key": "[key]"'
    assert redact_for_publication(text, OURS) == text


def test_a_key_that_was_there_before_is_not_the_works() -> None:
    assert not secrets("new\n", before="our-own-secret\n")
    assert not secrets("our-own-secret\nnew\n", before="our-own-secret\n")
    assert secrets(f"our-own-secret\n{SHAPED}", before="our-own-secret\n")


def test_a_file_that_is_not_utf_8() -> None:
    [fault] = of_texts({"a.txt": (b"", b"\xff\xfe\n"), "b.txt": (b"", "\u00e4".encode())})
    assert (fault.code, "'a.txt'" in fault.text, "b.txt" in fault.text) == ("not_text", True, False)


def seen(written: str = "", printed: str = "", honest: str = "") -> bool:
    return bool(of_verify(written, printed, honest, train=TRAIN, verify=VERIFY))


def test_text_of_verify_plans_is_found() -> None:
    text = VERIFY[0].inputs["i.txt"]
    assert seen(written=text)
    assert seen(printed=f'{{"type": "tool_result", "content": "{text}"}}')
    assert seen(written="Such as 71.75.")
    assert seen(printed=" ".join(p.gold["o.json"] for p in VERIFY))


@pytest.mark.parametrize(
    "gap", ["\r", "\x0b", "\x1c", "\x85", "\u2028", "\u00a0", " \u200b ", "_", "_ _"]
)
def test_no_white_space_hides_text_of_verify_plans(gap: str) -> None:
    assert seen(written=gap.join(VERIFY[0].inputs["i.txt"].split()))


@pytest.mark.parametrize("sign", ["\u200b", "\u00ad", "\x08", "\u2060", "\ufeff"])
def test_no_sign_that_nobody_sees_hides_it(sign: str) -> None:
    assert seen(written=sign.join(VERIFY[0].inputs["i.txt"]))
    wide = {ord("0") + n: 0xFF10 + n for n in range(10)}
    assert seen(written=VERIFY[0].gold["o.json"].translate(wide))


def test_what_has_an_honest_source_is_not() -> None:
    assert not seen(written=TRAIN[0].inputs["i.txt"])
    assert not seen(printed=VERIFY[0].inputs["i.txt"], honest=VERIFY[0].inputs["i.txt"])
    assert not seen(printed="It took 71.75 seconds.")
    assert not seen(written="Extract the amount in euros.", printed="Done after 3 turns.")
