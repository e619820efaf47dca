"""Models under changed settings that benchmarks of this lab tried, each under its own alias."""

from pydantic import Field

from prompt_lab.config.models import ModelConfig
from prompt_lab.records import VERSION, Record
from prompt_lab.store.files import read_record, write_record
from prompt_lab.store.layout import Lab

FILE = "benchmarks/variants.json"


class ModelVariants(Record):
    """variants.json: read by every process of the lab."""

    version: int = VERSION
    models: dict[str, ModelConfig] = Field(default={}, description="by alias")


def read_variants(lab: Lab) -> dict[str, ModelConfig]:
    """The variants by alias; none where there is no file. Raises StoreError for a damaged one."""
    path = lab.root / FILE
    if not path.exists():
        return {}
    fix = "Remove it: what the configuration has adopted is made again from there"
    return read_record(path, ModelVariants, fix=fix).models


def add_variants(lab: Lab, models: dict[str, ModelConfig]) -> None:
    """Add variants. One that is there already stays as it is."""
    known = read_variants(lab)
    if models.keys() - known.keys():
        write_record(lab.root / FILE, ModelVariants(models=models | known))
