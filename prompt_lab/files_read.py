"""Which files decided a run's answer and its score, as its record holds them."""

from pydantic import BaseModel, ConfigDict, Field


class FilesRead(BaseModel):
    """Contents of files as sha256, by path. Empty in records from before whole plans were hashed.

    "Outside" is what lies in no plan folder, run folder, worktree, interpreter or system folder.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    plan_sha256: str = Field(default="", description="of the whole plan folder, before the run")
    changed: bool = Field(
        default=False, description="the plan folder was not, or no longer, what the batch planned"
    )
    plan: dict[str, str] = Field(
        default={}, description="undeclared files of the plan folder that execute() read"
    )
    outside: dict[str, str] = Field(default={}, description="files outside that execute() read")
    score_outside: dict[str, str] = Field(default={}, description="files outside that score() read")
