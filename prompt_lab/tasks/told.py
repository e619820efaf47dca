"""What a mutator may say of itself, in work/mutation.json."""

from pydantic import BaseModel, ConfigDict, Field


class MutationReport(BaseModel):
    """Free words and money; what cannot be read is left out, since it decides nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    description: str = Field(default="", max_length=2000, description="what was changed, and why")
    cost_usd: float = Field(default=0.0, ge=0, description="what the mutation cost, US dollars")
