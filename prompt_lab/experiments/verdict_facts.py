"""The inputs of a verdict from outside the lab, recorded for replay."""

from collections.abc import Sequence

from prompt_lab.evaluate.evidence import SideFacts
from prompt_lab.experiments.experiment import Experiment
from prompt_lab.experiments.gather import side_facts, version_at
from prompt_lab.experiments.sources import sources_of
from prompt_lab.names import Side
from prompt_lab.records import VERSION, PromptVersion, Record, RunRow
from prompt_lab.store.files import read_if_whole
from prompt_lab.store.iterations import FACTS, read_change, read_meta


class SideContent(Record):
    """The relevant files at the commit of one side."""

    prompt: PromptVersion
    sources: tuple[str, ...]
    """Paths that the step may load there."""
    blobs: dict[str, str]
    """path -> git blob id of the sources, and of every file that a run has loaded; '' for none."""
    prompt_sha256: str

    def facts_for(self, rows: Sequence[RunRow]) -> SideFacts:
        """What the runs of the side are checked against, for these rows."""
        paths = {*self.sources, *(path for row in rows for path in row.record.sent.files)}
        blobs = {path: blob for path, blob in self.blobs.items() if path in paths}
        return SideFacts(self.prompt.commit, blobs, self.prompt_sha256)


class VerdictFacts(Record):
    """verdict_facts.json: with it a replay needs neither the target's repository nor a network."""

    version: int = VERSION
    sides: dict[Side, SideContent]
    difficulty: dict[str, float] | None = None
    """Train plan -> mean score in earlier iterations, where the policy adjusts for it."""

    @property
    def prompts(self) -> tuple[PromptVersion, PromptVersion]:
        """Prompt and schema of the baseline and of the candidate."""
        return self.sides[Side.BASELINE].prompt, self.sides[Side.CANDIDATE].prompt


def read_facts(experiment: Experiment) -> VerdictFacts | None:
    """The recorded facts; None where there are none, or where they are of other commits."""
    facts = read_if_whole(experiment.folder / FACTS, VerdictFacts)
    commits = commits_of(experiment)
    if facts is None or {s: c.prompt.commit for s, c in facts.sides.items()} != commits:
        return None
    return facts


def gather_facts(experiment: Experiment, rows: Sequence[RunRow]) -> VerdictFacts:
    """The facts as the target's repository has them. `rows` are all runs of the iteration."""
    meta = read_meta(experiment.context.lab, experiment.number, experiment.step)
    # A verdict from before is computed again as it was made, faults included.
    stored = not meta.compares_checked_out
    sides = {}
    for side, commit in commits_of(experiment).items():
        found = side_facts(experiment, commit, rows, stored=stored)
        sides[side] = SideContent(
            prompt=version_at(experiment, commit),
            sources=tuple(
                sorted(sources_of(experiment.context, experiment.step, commit, stored=stored))
            ),
            blobs=dict(found.blobs),
            prompt_sha256=found.prompt_sha256,
        )
    return VerdictFacts(sides=sides)


def commits_of(experiment: Experiment) -> dict[Side, str]:
    """The commit of each side."""
    change = read_change(experiment.context.lab, experiment.number, experiment.step)
    return {Side.BASELINE: change.base_commit, Side.CANDIDATE: change.commit}
