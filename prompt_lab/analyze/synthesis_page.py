"""synthesis.md: rendered for a reader, and read back from its fenced block."""

from pydantic import ValidationError

from prompt_lab.analyze.markdown import (
    json_block,
    label,
    last_json_block,
    page,
    plain_line,
    section,
    table,
)
from prompt_lab.analyze.modes_page import modes_told
from prompt_lab.analyze.numbers import score
from prompt_lab.analyze.synthesis_model import SynthesisRecord
from prompt_lab.errors import StoreError
from prompt_lab.records import Direction

MOST = 12


def render_synthesis(synthesis: SynthesisRecord) -> str:
    """The page. `parse_synthesis` gives an equal record back."""
    return page(
        "# Synthesis",
        label(synthesis.recorded),
        f"The next iteration starts from the {synthesis.side}'s failures: score "
        f"{score(synthesis.score)}.",
        section("Analysts", _participants(synthesis)),
        section("Where they agree", _render_list(synthesis.agree)),
        section("Where they disagree", _render_list(synthesis.disagree)),
        section("What one alone says", _render_list(synthesis.alone)),
        section("What was tried before", _render_list(synthesis.remembered)),
        section("Known failure modes", modes_told(synthesis.failure_modes)),
        section("Five directions", *map(_direction, enumerate(synthesis.directions, start=1))),
        section("Set aside", _render_list(synthesis.set_aside)),
        section("Record", json_block(synthesis.model_dump_json(indent=1))),
    )


def parse_synthesis(text: str, *, where: str = "synthesis.md") -> SynthesisRecord:
    """The record of a page. Raises StoreError, which names `where`, if there is none that fits."""
    body = last_json_block(text)
    if body is None:
        raise StoreError(
            f"{where} has no ```json block with a synthesis. Delete the file and run Synthesis "
            "again to have it written anew."
        )
    try:
        return SynthesisRecord.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the block"
        raise StoreError(
            f"{where}: the ```json block is no synthesis: {place!r}: {first['msg']}. Delete the "
            "file and run Synthesis again to have it written anew."
        ) from error


def _direction(item: tuple[int, Direction]) -> str:
    number, direction = item
    by = f"strategy {direction.strategy}" if direction.strategy else "a person or an agent"
    evidence = "\n".join(f"  - {plain_line(one, 300)}" for one in direction.evidence)
    return (
        f"### {number}. {plain_line(direction.title, 200)}\n\n"
        f"- Why: {plain_line(direction.why, 600)}\n"
        f"- Evidence:\n{evidence}\n"
        f"- Expected: {plain_line(direction.expected, 300)}\n"
        f"- Carried out by: {plain_line(by)}\n"
        f"- Weight: {direction.rank_score:.2f}"
    )


def _participants(synthesis: SynthesisRecord) -> str:
    rows = [(plain_line(one.analyst), one.insight, one.review) for one in synthesis.took_part]
    return table(("analyst", "insight", "review"), rows)


def _render_list(lines: tuple[str, ...]) -> str:
    return "\n".join(f"- {plain_line(one, 400)}" for one in lines[:MOST])
