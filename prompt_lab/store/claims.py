"""What history tells of iterations: a run folder says whose it is, also once that one is gone."""

from prompt_lab.config.lab import GatewayConfig
from prompt_lab.names import Side, Split
from prompt_lab.records import Record
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.foreign import run_folders
from prompt_lab.store.layout import NO_ITERATION, Lab


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
