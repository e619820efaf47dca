"""Models under changed settings that benchmarks of this lab tried, each under its own alias."""

from pydantic import Field

from prompt_lab.config.models import ModelConfig
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_if_whole, write_record
from prompt_lab.store.layout import Lab

FILE = "benchmarks/variants.json"


class ModelVariants(Record):
    """variants.json: read by every process of the lab."""

    version: int = VERSION
    models: dict[str, ModelConfig] = Field(default={}, description="by alias")


def read_variants(lab: Lab) -> dict[str, ModelConfig]:
    """The variants by alias; none where there is no file."""
    found = read_if_whole(lab.root / FILE, ModelVariants)
    return found.models if found else {}


def add_variants(lab: Lab, models: dict[str, ModelConfig]) -> None:
    """Add variants. One that is there already stays as it is."""
    known = read_variants(lab)
    if models.keys() - known.keys():
        write_record(lab.root / FILE, ModelVariants(models=models | known))
