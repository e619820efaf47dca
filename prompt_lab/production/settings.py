"""The limits of detection and measurement from lab.yaml, checked."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from prompt_lab.config.production import ProductionConfig
from prompt_lab.errors import ConfigError
from prompt_lab.production.detector import DetectionPolicy
from prompt_lab.production.measure import MeasurePolicy

P = TypeVar("P", bound=BaseModel)


def detection_policy(config: ProductionConfig) -> DetectionPolicy:
    """The limits of the detectors. Raises ConfigError with the key."""
    return _validate(DetectionPolicy, config.detection, "detection")


def measure_policy(config: ProductionConfig) -> MeasurePolicy:
    """When a deployed version is worse. Raises ConfigError with the key."""
    return _validate(MeasurePolicy, config.measure, "measure")


def _validate(kind: type[P], values: Mapping[str, Any], section: str) -> P:
    try:
        return kind.model_validate(dict(values))
    except ValidationError as error:
        raise ConfigError(
            [
                f"lab.yaml: production.{section}.{'.'.join(map(str, one['loc']))}: {one['msg']}."
                " docs/production.md lists the keys"
                for one in error.errors()
            ]
        ) from error
