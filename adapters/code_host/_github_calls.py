"""Calls of GitHub's API: tried again where that may help, and every failure put into words."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar

from github import (
    BadAttributeException,
    GithubException,
    RateLimitExceededException,
    TwoFactorException,
)
from jwt.exceptions import PyJWTError
from requests import RequestException
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from prompt_lab.config.github import GitHubConfig
from prompt_lab.errors import CodeHostError
from prompt_lab.names import count

T = TypeVar("T")
# PyGithub asserts that the server's own links lead to it, and trips over answers of other kinds.
_KNOWN = (
    GithubException, RequestException, BadAttributeException, PyJWTError, AssertionError,
    TypeError, AttributeError,
)  # fmt: skip
SECONDARY_SECONDS = 60.0
"""What GitHub asks for where it names no time."""
AGAIN = "The same command goes on from here."


class NotYet(CodeHostError):
    """GitHub has not caught up with itself; asking again after a while helps."""


class Transport(CodeHostError):
    """Git could not reach the remote, or was not let in."""


class GitHubCalls:
    """Makes calls. An action may be made again as a whole, so it looks before it writes."""

    def __init__(
        self,
        config: GitHubConfig,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._config = config
        self._sleep = sleep
        self._now = now
        self.secrets: set[str] = set()
        """What no message may hold: a server may repeat what it was sent."""

    def __call__(self, what: str, action: Callable[[], T]) -> T:
        """The action's value. Raises CodeHostError that says what could not be done, and why."""
        retrying = Retrying(
            stop=stop_after_attempt(self._config.tries),
            retry=retry_if_exception(self._may_help),
            wait=self._pause,
            sleep=self._sleep,
            reraise=True,
        )
        try:
            return retrying(action)
        except CodeHostError as error:
            if self._redact(str(error)) == str(error):
                raise
            raise type(error)(self._redact(str(error))) from None
        except _KNOWN as error:
            told = f"{self._config.repository}: cannot {what}: {self._explain(error)}"
            secret = any(key in str(error) for key in self.secrets)
            raise CodeHostError(self._redact(told)) from (None if secret else error)

    def _redact(self, text: str) -> str:
        for key in self.secrets:
            text = text.replace(key, "[key]")
        return text

    def _may_help(self, error: BaseException) -> bool:
        if isinstance(error, GithubException):
            wait = self._limit(error)
            return error.status >= 500 if wait is None else wait <= self._config.most_wait
        return isinstance(error, RequestException | NotYet | Transport)

    def _pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        wait = self._limit(error) if isinstance(error, GithubException) else None
        longer: float = self._config.pause * 2 ** (state.attempt_number - 1)
        return min(longer, self._config.most_wait) if wait is None else wait

    def _limit(self, error: GithubException) -> float | None:
        """Seconds until a rate limit is lifted; None where the error is no rate limit."""
        headers: Mapping[str, str] = error.headers or {}
        used_up = headers.get("x-ratelimit-remaining") == "0"
        asked = headers.get("retry-after", "")
        limited = isinstance(error, RateLimitExceededException) or used_up or asked
        if error.status not in (403, 429) or not (limited or error.status == 429):
            return None
        if asked.isdecimal():
            return float(asked)
        reset = headers.get("x-ratelimit-reset", "")
        if used_up and reset.isdecimal():
            return max(0.0, float(reset) - self._now()) + 1.0
        return SECONDARY_SECONDS

    def _explain(self, error: Exception) -> str:
        if not isinstance(error, GithubException):
            if isinstance(error, PyJWTError):
                return f"the App's private key cannot be used ({type(error).__name__})"
            if not isinstance(error, RequestException):
                return f"{self._config.base_url} is not a GitHub API: correct base_url"
            return (
                f"{self._config.base_url} could not be reached in {self._config.tries} tries"
                f" ({type(error).__name__}): check the network and base_url. {AGAIN}"
            )
        wait = self._limit(error)
        if wait is not None:
            until = datetime.fromtimestamp(self._now() + wait, UTC)
            return (
                f"GitHub's rate limit is used up until {until:%Y-%m-%d %H:%M:%S} UTC"
                f" ({error.status}): run the same command after that, it goes on from here"
            )
        return _refusal(error, self._config)


def error_text(error: GithubException) -> str:
    """GitHub's own words: data from outside, on one line and cut short."""
    told = error.data.get("message") if isinstance(error.data, dict) else None
    words = " ".join(str(told or "no reason given").split())
    faults = error.data.get("errors") if isinstance(error.data, dict) else None
    for fault in faults if isinstance(faults, list) else []:
        more = fault.get("message") if isinstance(fault, dict) else fault
        words += f"; {' '.join(str(more).split())}" if more else ""
    return words[:300]


def _refusal(error: GithubException, config: GitHubConfig) -> str:
    status, words = error.status, error_text(error)
    if isinstance(error, TwoFactorException):
        return "it requires a second factor: create a token (docs/github.md), and set GITHUB_TOKEN"
    if status >= 500:
        return f"GitHub answered {status}, {count(config.tries, 'time')}. {AGAIN}"
    if status == 403:
        return _no_right(error.headers or {}, words)
    known = {
        401: f"the key is refused (401, {words!r}): it is wrong, expired or revoked",
        404: f"{config.web} does not have it, or the token may not see it (404)",
    }
    return known.get(status, f"GitHub refuses it ({status}): {words!r}")


def _no_right(headers: Mapping[str, str], words: str) -> str:
    if "x-github-sso" in headers:
        return f"the token is not yet authorised for single sign-on (403, {words!r})"
    rights = headers.get("x-accepted-github-permissions", headers.get("x-accepted-oauth-scopes"))
    needs = f"it takes {rights!r}; " if rights else ""
    return f"the token has no right to do it (403, {words!r}): {needs}see docs/github.md"
