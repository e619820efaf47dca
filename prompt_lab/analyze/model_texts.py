"""What was measured about the texts of the answers, as records; counts are of texts."""

from pydantic import Field

from prompt_lab.names import Side
from prompt_lab.records import Record


class LengthRatio(Record):
    """Mean characters and texts of one field per run; `field` '' is the whole output."""

    model: str
    field: str
    baseline_chars: float | None = None
    candidate_chars: float | None = None
    gold_chars: float | None = None
    baseline_items: float | None = None
    candidate_items: float | None = None
    ratio: float | None = Field(default=None, description="candidate / baseline")
    baseline_to_gold: float | None = None
    candidate_to_gold: float | None = None


class SharedWords(Record):
    """Words that many texts of one model share in a field; `plan` '' is all plans together."""

    model: str
    plan: str
    field: str
    phrase: str = Field(description="as its first text spells it")
    words: int
    baseline_count: int
    baseline_total: int = Field(description="texts on that side; 0 where it has no runs")
    candidate_count: int
    candidate_total: int
    path: str = Field(description="a run folder that has it")

    def share(self, side: Side) -> float:
        """Share of the side's texts that have it; 0 where the side has none."""
        base = side is Side.BASELINE
        total = self.baseline_total if base else self.candidate_total
        return (self.baseline_count if base else self.candidate_count) / total if total else 0.0

    def format_count(self, side: Side) -> str:
        """The count as a reader wants it: '15 of 16', or '-' where the side has no texts."""
        base = side is Side.BASELINE
        total = self.baseline_total if base else self.candidate_total
        count = self.baseline_count if base else self.candidate_count
        return f"{count} of {total}" if total else "-"


class OpeningPhrase(SharedWords):
    """A template lock: texts that begin with the same words."""


class Phrase(SharedWords):
    """A phrase anywhere in the texts, common on one side and rare on the other."""


class Duplicates(Record):
    """Texts of one run and field that nearly repeat another one of the same group."""

    side: Side
    model: str
    plan: str
    field: str
    count: int = Field(description="texts that repeat another")
    total: int
    similarity: float = Field(description="of the closest pair, in [0, 1]")
    first: str
    second: str
    path: str


class Placeholder(Record):
    """Something that stands where a value should: `[name]`, `{name}`, `<name>`, `XXX`, `____`."""

    side: Side
    model: str
    field: str
    text: str
    count: int
    in_prompt: bool = Field(description="the prompt of that side holds the same text")
    path: str


class Copied(Record):
    """Words of the prompt that came back in answers and are not in the plan's own texts."""

    side: Side
    model: str
    field: str
    phrase: str
    words: int
    count: int
    total: int
    path: str
    value: bool = Field(description="the whole answer is from the prompt: a worked example's value")


class Identical(Record):
    """Pairs of runs whose outputs are the same text on both sides, ids and times aside."""

    model: str
    count: int
    pairs: int
    path: str = Field(description="a candidate run folder of such a pair")
