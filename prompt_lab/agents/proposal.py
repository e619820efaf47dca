"""The block that ends the work of an agent that was to change something."""

from pydantic import ConfigDict, Field, ValidationError

from prompt_lab.agents.refusals import Fault, Refusal
from prompt_lab.analyze.markdown import last_json_block
from prompt_lab.records import Record


class Proposal(Record):
    """What the agent says of its change: for people to read, and never believed."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    title: str = Field(min_length=1, max_length=120)
    description: str = Field(min_length=1, max_length=4000)
    files: dict[str, str] = Field(
        default={}, description="path -> whole new text, from an agent that cannot edit by itself"
    )

    @property
    def published_texts(self) -> dict[str, str]:
        """What of it is published as it is, by what it is."""
        return {"the title": self.title, "the description": self.description}


def parse_proposal(text: str) -> Proposal | Fault:
    r"""The last ```json block of a text, read strictly; or why there is none.

    >>> parse_proposal('Done.\n```json\n{"title": "Say it", "description": "Once."}\n```').title
    'Say it'
    >>> parse_proposal("I have made the change.").code
    'no_block'
    """
    body = last_json_block(text)
    if body is None:
        return Fault(code=Refusal.NO_BLOCK, text="it did not end with a ```json block")
    try:
        return Proposal.model_validate_json(body)
    except ValidationError as error:
        return bad_block(error)


def bad_block(error: ValidationError) -> Fault:
    """The first thing that is wrong with a block."""
    first = error.errors(include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "the block"
    return Fault(code=Refusal.BAD_BLOCK, text=f"its ```json block: {place}: {first['msg']}")
