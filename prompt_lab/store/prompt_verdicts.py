"""The verdict of an iteration as a promotion needs it: its outcome, and of which text it is."""

import re

from prompt_lab.decide.result import Verdict
from prompt_lab.names import Side
from prompt_lab.prompts.snapshots import TrialVerdict
from prompt_lab.records import Record
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import FACTS
from prompt_lab.store.layout import Lab

_ID = re.compile(r"[0-9]+_[A-Za-z0-9][A-Za-z0-9_.-]*")


class _TestedText(Record):
    prompt_sha256: str


class _TestedTexts(Record):
    sides: dict[Side, _TestedText]


def find_trial_verdict(lab: Lab, verdict_id: str) -> TrialVerdict | None:
    """The verdict with that id, which is the name of the iteration's folder ('12_triage').

    None where the iteration has no verdict yet, or does not say which text it tested.
    """
    if not _ID.fullmatch(verdict_id):
        return None
    folder = lab.analysis / verdict_id
    facts = read_if_whole(folder / FACTS, _TestedTexts)
    verdict = read_if_whole(folder / "verdict.json", Verdict)
    if facts is None or verdict is None or Side.CANDIDATE not in facts.sides:
        return None
    return TrialVerdict(verdict_id, verdict.outcome, facts.sides[Side.CANDIDATE].prompt_sha256)
