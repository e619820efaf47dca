"""Whether a run sent its commit's prompt is read off the requests that the gateway recorded."""

from hashlib import sha256

import pytest

from prompt_lab.decide.verdict import Code
from prompt_lab.evaluate.evidence import examine
from prompt_lab.evaluate.sent_prompt import (
    SideTexts,
    check_sent_prompt,
    describe_rules,
    fold,
    holds_prompt,
)
from prompt_lab.names import Side
from prompt_lab.records import ProcessRecord, PromptCheck, RunRow
from tests.prompt_lab.evaluate.test_evidence import FACTS, row, sound

OWN, OTHER = "List what matters.\n\n\n", "List what matters. Be brief.\n"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("own", "other", "request_text", "holds"),
    [
        (OWN, OTHER, "List what matters. A note.", True),  # the code sends CONST.strip()
        (OWN, OTHER, "List what matters. Be brief. A note.", False),  # the longer one of the other
        (OTHER, OWN, "List what matters. Be brief. A note.", True),
        (OTHER, OWN, "List what matters. A note.", False),  # stale
        ("Read {note} twice.", "Read {note} once.", "Read of mice. twice. x", True),
        ('Give {{"a": 1}} for {note}.', "", 'Give {"a": 1} for mice.', True),
        ("Read %(note)s now", "", "Read mice now", True),
        ("{{ note }}", "", "mice", False),  # nothing of it can be looked for
        ("List\nlevers.", "List  levers. ", "List levers.", True),  # white space alone differs
    ],
)
def test_the_prompt_is_looked_for_in_what_was_sent(
    own: str, other: str, request_text: str, holds: bool
) -> None:
    stale = digest("whatever the step says")
    found = check_sent_prompt(SideTexts(own, other), [fold(request_text)], None, stale)
    assert (found.check.rule, found.check.holds) == ("requests", holds)
    assert found.sha256 == (digest(own) if holds else "")


def test_one_request_of_the_other_side_is_enough_to_be_stale() -> None:
    requests = [fold(f"{OTHER} a"), fold(f"{OWN} b")]
    check = check_sent_prompt(SideTexts(OTHER, OWN), requests, None, digest(OTHER)).check
    assert (check.requests, check.own, check.other, check.holds) == (2, 1, 1, False)


def test_without_a_request_what_the_step_returned_counts_folded() -> None:
    same = check_sent_prompt(SideTexts(OWN), [], OWN.strip(), digest(OWN.strip()))
    assert (same.check.rule, same.sha256) == ("returned", digest(OWN))
    other = check_sent_prompt(SideTexts(OWN), [], "Something else", digest("Something else"))
    assert (other.check.rule, other.sha256) == ("returned", digest("Something else"))


def test_where_no_prompt_is_named_only_the_other_side_s_counts_against_a_run() -> None:
    nothing = check_sent_prompt(SideTexts(OWN, OTHER), ["made up on the way"], None, "")
    assert nothing == (PromptCheck(rule="files"), "")
    stale = check_sent_prompt(SideTexts(OTHER, OWN), [fold(OWN)], None, "")
    assert (stale.check.rule, stale.check.holds) == ("requests", False)


def test_a_prompt_in_another_order_is_not_found() -> None:
    assert not holds_prompt("and then b. First a", "First {x} and then b.")


def run_with(side: Side, check: PromptCheck, sha: str, plan: str = "p4") -> RunRow:
    made = row(side, plan, prompt_sha256=sha)
    sent = made.record.sent.model_copy(update={"prompt_check": check})
    record = made.record.model_copy(update={"sent": sent, "process": ProcessRecord()})
    return made.model_copy(update={"record": record})


def test_a_stale_prompt_voids_and_the_reason_names_the_rule() -> None:
    stale = run_with(Side.CANDIDATE, PromptCheck(rule="requests", requests=2, other=2), "")
    (finding,) = examine([*sound(), stale], FACTS)
    assert finding.code is Code.PROMPT_MISMATCH
    assert "in the requests that the gateway recorded (white space folded)" in finding.text
    assert (finding.facts["found"], finding.facts["runs"]) == ("the other side's", "1 of 4")
    absent = run_with(Side.CANDIDATE, PromptCheck(rule="requests", requests=2), "")
    assert examine([*sound(), absent], FACTS)[0].facts["found"] == "in none"


def test_a_prompt_that_was_recorded_as_sent_is_evidence() -> None:
    good = run_with(Side.CANDIDATE, PromptCheck(rule="requests", requests=2, own=1), "sha1")
    assert examine([*sound(), good], FACTS) == ()
    assert describe_rules([*sound(), good]) == (
        "found in the requests that the gateway recorded (white space folded): 1 run"
    )
    assert describe_rules(sound()) == ""
