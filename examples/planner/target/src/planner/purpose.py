"""What a plan is for, in three lines: the step before the levers."""

from typing import Literal

from pydantic import BaseModel, Field

from planner.models import Models

PURPOSE_PROMPT = """
Read a plan and say what it is for: whether it is a business, a personal or another matter, what
it is meant to achieve in one sentence, and its topic in a few words.
""".strip()


class Purpose(BaseModel):
    """The answer."""

    kind: Literal["business", "personal", "other"]
    aim: str = Field(min_length=5)
    topic: str = Field(min_length=3)


def identify_purpose(plan: str, models: Models) -> str:
    """The purpose as Markdown. Raises NoAnswer."""
    found, _ = models.ask(PURPOSE_PROMPT, plan.strip(), Purpose)
    return f"**Kind:** {found.kind}\n\n**Aim:** {found.aim}\n\n**Topic:** {found.topic}\n"
