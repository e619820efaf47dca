"""The two global counters, claimed by mkdir so that two processes never share a folder."""

import re
from pathlib import Path

from prompt_lab.config.lab import GatewayConfig
from prompt_lab.names import Side, Split
from prompt_lab.records import Record
from prompt_lab.store.files import disk_errors, read_if_whole
from prompt_lab.store.layout import NO_ITERATION, Lab
from prompt_lab.store.planexe.runs import run_folders


class Claim(Record):
    """The part of a run folder's meta.json that says which iteration it was claimed for."""

    iteration: int
    batch: str
    side: Side
    claimed: str = ""
    gateway: GatewayConfig | None = None

    @property
    def is_trial(self) -> bool:
        """Whether it asked the train plans about a candidate, and not recorded answers."""
        recorded = self.gateway is not None and self.gateway.is_recorded
        mine = self.iteration != NO_ITERATION and self.side is Side.CANDIDATE
        return mine and self.batch == Split.TRAIN and not recorded


def trials_in_history(lab: Lab, step: str) -> dict[int, list[str]]:
    """Iteration -> when run folders were claimed for its candidate on train plans, in UTC.

    A candidate whose runs were all taken over has none. What cannot be read is passed over.
    """
    found: dict[int, list[str]] = {}
    for folder in run_folders(lab).values():
        if folder.name.partition("_")[2] == step:
            claim = read_if_whole(folder / "meta.json", Claim)
            if claim is not None and claim.is_trial:
                found.setdefault(claim.iteration, []).append(claim.claimed)
    return found


_FOLDER = re.compile(r"([0-9]{1,6})_(.+)")
"""A name with more digits is a date or the like, and would be the highest number permanently."""


def claim_run_folder(lab: Lab, step: str) -> tuple[int, Path]:
    """Claim the next history number, over all steps. Returns it and its new, empty folder."""
    number = _highest_run_number(lab) + 1
    while True:
        hundred = lab.history / str(number // 100)
        claim = hundred / f".{number % 100:02d}"
        with disk_errors(hundred):
            hundred.mkdir(parents=True, exist_ok=True)
            try:
                claim.mkdir()
            except FileExistsError:
                number += 1
                continue
            folder = lab.run_folder(number, step)
            folder.mkdir()
            return number, folder


def iterations(lab: Lab) -> dict[int, str]:
    """Every iteration that has a folder: number -> step."""
    return {n: step for n, step in numbered(lab.analysis)}


def odd_names(lab: Lab) -> list[str]:
    """Folders of analysis/ that begin with a digit and count as no iteration."""
    names = [p.name for p in _children(lab.analysis) if p.is_dir() and p.name[:1].isdigit()]
    return sorted(name for name in names if not _FOLDER.fullmatch(name))


def _highest_run_number(lab: Lab) -> int:
    hundreds = [int(p.name) for p in _children(lab.history) if p.name.isdigit()]
    for hundred in sorted(hundreds, reverse=True):
        taken = [n for n, _ in numbered(lab.history / str(hundred))]
        if taken:
            return hundred * 100 + max(taken)
    return -1


def numbered(folder: Path) -> list[tuple[int, str]]:
    """(number, rest of the name) of each folder that is called <number>_<rest>, by number."""
    found = (_FOLDER.fullmatch(path.name) for path in _children(folder) if path.is_dir())
    return sorted((int(m.group(1)), m.group(2)) for m in found if m)


def _children(folder: Path) -> list[Path]:
    with disk_errors(folder):
        return list(folder.iterdir()) if folder.is_dir() else []
