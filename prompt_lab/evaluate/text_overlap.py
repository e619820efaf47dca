"""ROUGE-L and chrF of two texts, by the libraries that publications use."""

from functools import cache
from importlib import import_module
from typing import Any

from prompt_lab.errors import ConfigError

_LIBRARIES = {
    "rouge_score.rouge_scorer": "rouge-score",
    "sacrebleu.metrics.chrf": "sacrebleu",
}


def check_installed() -> None:
    """Raises ConfigError where one of the libraries is missing."""
    for module in _LIBRARIES:
        _load(module)


def rouge_l(gold: str, answer: str) -> float:
    """F-measure of the longest common subsequence of words, in [0, 1], by rouge-score.

    Words are runs of a-z and digits, in lower case and not stemmed: other scripts have none.
    """
    found: Any = _rouge().score(gold, answer)["rougeL"].fmeasure
    return min(1.0, float(found))


def chrf(gold: str, answer: str) -> float:
    """chrF2 of one answer and one gold text, in [0, 1], by sacrebleu with its own settings."""
    found: Any = _chrf().sentence_score(answer, [gold]).score
    return min(1.0, float(found) / 100)


@cache
def _rouge() -> Any:
    return _load("rouge_score.rouge_scorer").RougeScorer(["rougeL"], use_stemmer=False)


@cache
def _chrf() -> Any:
    return _load("sacrebleu.metrics.chrf").CHRF()


def _load(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise ConfigError(
            [
                f"{_LIBRARIES[module]} is not installed, which the checks rouge_l and chrf need:"
                " `pip install 'prompt-lab[text]'`"
            ]
        ) from error
