"""What an iteration leaves for all later ones: the failure modes of its step, in one page."""

from pipeline.base import Phase
from pipeline.change.past import known_modes
from prompt_lab.analyze.modes_page import Instructions, render_instructions
from prompt_lab.analyze.synthesis import parse_synthesis
from prompt_lab.decide.verdict import Verdict
from prompt_lab.names import Outcome
from prompt_lab.store.files import read_parsed, read_record, write_text
from prompt_lab.store.iterations import made_again


def learn(phase: Phase) -> None:
    """Renew instructions/<step>.md from the iteration's synthesis; INVALID runs teach nothing.

    May be called again: an iteration counts once.
    """
    lab, folder = phase.context.lab, phase.folder
    verdict = read_record(folder / "verdict.json", Verdict, fix=made_again(folder / "verdict.json"))
    if verdict.outcome is Outcome.INVALID:
        return
    path = folder / "synthesis.md"
    found = read_parsed(path, parse_synthesis, fix=made_again(path))
    known = known_modes(lab, phase.step)
    if known.iterations and phase.number < known.iterations[-1]:
        return  # made again later than its followers, whose lists hold it
    counted = tuple(sorted({*known.iterations, phase.number}))
    now = Instructions(step=phase.step, iterations=counted, modes=found.failure_modes)
    write_text(lab.instructions(phase.step), render_instructions(now))
