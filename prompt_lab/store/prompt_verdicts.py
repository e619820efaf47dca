"""The verdict of an iteration as a promotion needs it: its outcome, and of which text it is."""

import re
from functools import partial

from prompt_lab.decide.result import Verdict
from prompt_lab.names import Side
from prompt_lab.prompts.snapshots import TrialVerdict
from prompt_lab.records import Record
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.given_up import is_given_up
from prompt_lab.store.iterations import FACTS
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_plans import read_plan_texts
from prompt_lab.store.prompt_registry import PromptRegistry

_ID = re.compile(r"[0-9]+_[A-Za-z0-9][A-Za-z0-9_.-]*")


class _TestedText(Record):
    prompt_sha256: str


class CandidateText(Record):
    """Of verdict_facts.json, what says which text was tried."""

    sides: dict[Side, _TestedText]

    @property
    def sha256(self) -> str:
        """Of the candidate's prompt; '' where that was not recorded."""
        return self.sides[Side.CANDIDATE].prompt_sha256 if Side.CANDIDATE in self.sides else ""


class _TriedPrompt(Record):
    registry_prompt: str = ""


def find_trial_verdict(lab: Lab, verdict_id: str) -> TrialVerdict | None:
    """The verdict with that id, which is the name of the iteration's folder ('12_triage').

    None where the iteration has no verdict yet, does not say which text it tested, or was given up.
    """
    if not _ID.fullmatch(verdict_id):
        return None
    folder = lab.analysis / verdict_id
    facts = read_if_whole(folder / FACTS, CandidateText)
    verdict = read_if_whole(folder / "verdict.json", Verdict)
    if facts is None or verdict is None or not facts.sha256 or is_given_up(folder):
        return None
    tried = read_if_whole(folder / "meta.json", _TriedPrompt) or _TriedPrompt()
    return TrialVerdict(verdict_id, verdict.outcome, facts.sha256, tried.registry_prompt)


def open_registry(lab: Lab) -> PromptRegistry:
    """The registry of a lab, bound to its verdicts and guarded against its plans' texts."""
    return PromptRegistry(
        PromptFiles(lab.root / "prompts"),
        partial(find_trial_verdict, lab),
        partial(read_plan_texts, lab),
    )
