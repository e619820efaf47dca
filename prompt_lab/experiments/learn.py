"""Update the failure modes of a step, which all later iterations read."""

from prompt_lab.analyze.failure_modes import Instructions, render_instructions
from prompt_lab.analyze.synthesis import parse_synthesis
from prompt_lab.decide.verdict import Verdict
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.past import known_modes
from prompt_lab.names import Outcome
from prompt_lab.store.files import read_parsed, read_record, write_text
from prompt_lab.store.iterations import made_again


def learn(experiment: Experiment) -> None:
    """Update instructions/<step>.md from the iteration's synthesis; INVALID runs add nothing.

    May be called again: an iteration counts once.
    """
    lab, folder = experiment.context.lab, experiment.folder
    verdict = read_record(folder / "verdict.json", Verdict, fix=made_again(folder / "verdict.json"))
    if verdict.outcome is Outcome.INVALID:
        return
    path = folder / "synthesis.md"
    found = read_parsed(path, parse_synthesis, fix=made_again(path))
    known = known_modes(lab, experiment.step)
    if known.iterations and experiment.number < known.iterations[-1]:
        return  # made again later than its followers, whose lists hold it
    counted = tuple(sorted({*known.iterations, experiment.number}))
    now = Instructions(step=experiment.step, iterations=counted, modes=found.failure_modes)
    write_text(lab.instructions(experiment.step), render_instructions(now))
