"""A model that answers by rule: the fake of this port, for tests and for trying a lab out.

Its script is the config's `settings.extra`. Equal requests get equal answers, in any order.
"""

import re
import time
from collections.abc import Callable
from hashlib import sha256
from threading import Lock
from typing import Literal

from pydantic import Field, ValidationError, field_validator

from adapters.llm.base import BaseLlm
from adapters.wire.retry import ReadTimeout
from prompt_lab.config.base import Config
from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import CallRefused, ConfigError, TransientError
from prompt_lab.ports import Answer, Request

GARBAGE = "I would rather not: {{{"
_PLACE = re.compile(r"\{(\d+)\}")


class Rule(Config):
    """One answer and when it is given. The first rule that fits answers."""

    when: str | list[str] = Field(
        default="", description="what the system or the user text must hold; of a list, all"
    )
    answer: str = Field(description="{0} stands for the first match of answer_regex, {1} the next")
    answer_regex: str = Field(
        default="", description="searched in the user text; its first group counts if it has one"
    )

    @field_validator("answer_regex")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return value

    def fits(self, request: Request) -> bool:
        """Whether both texts together hold everything that the rule asks for."""
        wanted = [self.when] if isinstance(self.when, str) else self.when
        return all(text in request.system or text in request.user for text in wanted)

    def render(self, user: str) -> str:
        """The answer; a match that the user text does not hold leaves its place empty."""
        if not self.answer_regex:
            return self.answer
        found = [m[m.re.groups and 1] or "" for m in re.finditer(self.answer_regex, user)]
        return _PLACE.sub(
            lambda place: found[int(place[1])] if int(place[1]) < len(found) else "", self.answer
        )


class Script(Config):
    """What `settings.extra` of a scripted model may say."""

    rules: list[Rule] = []
    otherwise: str = Field(default="", description="the answer where no rule fits")
    latency_seconds: float = Field(default=0.0, ge=0)
    noise: float = Field(default=0.0, ge=0, le=1, description="share of answers that are wrong")
    wrong: str | None = Field(default=None, description="a wrong answer; `otherwise` if absent")
    fail: Literal["garbage", "nothing", "never", "outside", "refused"] | None = None
    fail_times: int | None = Field(default=None, ge=0, description="calls that fail; None: all")
    fail_when: str = Field(default="", description="only requests that hold this text fail")


class Scripted(BaseLlm):
    """Answers as its script says, after `latency_seconds`; fails as `fail` says.

    garbage and nothing are bad answers, refused raises CallRefused, outside TransientError; never
    waits for the config's timeout and is retried as an unanswered call is. Raises ConfigError.
    """

    def __init__(self, config: ModelConfig, pause: Callable[[float], None] | None = None) -> None:
        super().__init__(config, *([pause] if pause else []))
        self._sleep = pause or time.sleep  # a call that takes long keeps its place
        try:
            self.script = Script.model_validate(config.settings.extra)
        except ValidationError as error:
            raise ConfigError([_fault(config.alias, dict(e)) for e in error.errors()]) from None
        self._failed = 0
        self._counting = Lock()

    def _call(self, request: Request) -> Answer:
        if self.script.latency_seconds:
            self._sleep(self.script.latency_seconds)
        text = self._failure() if self._fails(request) else self._text(request)
        return Answer(
            text=text,
            input_tokens=_tokens(request.system) + _tokens(request.user),
            output_tokens=_tokens(text),
            seconds=self.script.latency_seconds,
            answered_by=self.config.id,
        )

    def _fails(self, request: Request) -> bool:
        script = self.script
        if script.fail is None or not Rule(when=script.fail_when, answer="").fits(request):
            return False
        with self._counting:
            self._failed += 1
            return script.fail_times is None or self._failed <= script.fail_times

    def _failure(self) -> str:
        """A bad answer, or the exception that the script asks for."""
        name = self.config.alias
        match self.script.fail:
            case "never":
                self._sleep(self.config.timeout_seconds)
                raise ReadTimeout(self.config.timeout_seconds)
            case "outside":
                raise TransientError(f"{name}: fails from outside, as its script says")
            case "refused":
                raise CallRefused(f"{name}: HTTP 400: refused, as its script says")
            case "garbage":
                return GARBAGE
            case _:
                return ""

    def _text(self, request: Request) -> str:
        script = self.script
        if _share(request) < script.noise:
            return script.otherwise if script.wrong is None else script.wrong
        fitting = next((rule for rule in script.rules if rule.fits(request)), None)
        return fitting.render(request.user) if fitting else script.otherwise


def _share(request: Request) -> float:
    """A number in [0, 1) that the user text and the seed decide, the same on both sides."""
    digest = sha256(f"{request.seed}\0{request.user}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / 2**48


def _tokens(text: str) -> int:
    return len(text.split())


def _fault(alias: str, error: dict[str, object]) -> str:
    place = error["loc"] if isinstance(error["loc"], tuple) else ()
    key = ".".join(["settings.extra", *map(str, place)])
    return f"model {alias!r}: {key}: {str(error['msg']).removeprefix('Value error, ')}"
