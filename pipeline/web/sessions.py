"""Sessions after a login: in memory, so that a restart ends them all."""

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from pipeline.web.keys import WebKey, WebKeys

COOKIE = "prompt_lab_session"
LIFETIME_SECONDS = 8 * 3600.0
MOST_SESSIONS = 1000


@dataclass(frozen=True)
class Session:
    """One login. `csrf` is in every form that it is shown."""

    key: WebKey
    csrf: str
    ends: float


class Sessions:
    """Sessions by the hash of their token, for LIFETIME_SECONDS each."""

    def __init__(self, keys: WebKeys, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def start(self, key: str) -> str | None:
        """The token of a new session; None for a key that is not known."""
        found = self._keys.find(key)
        if found is None:
            return None
        token, now = secrets.token_urlsafe(32), self._clock()
        made = Session(found, secrets.token_urlsafe(32), now + LIFETIME_SECONDS)
        with self._lock:
            live = {name: one for name, one in self._sessions.items() if one.ends > now}
            while len(live) >= MOST_SESSIONS:
                live.pop(next(iter(live)))
            self._sessions = {**live, _digest(token): made}
        return token

    def find(self, token: str) -> Session | None:
        """The session of a token, as long as neither it nor its key has ended."""
        found = self._sessions.get(_digest(token)) if token else None
        if found is None or found.ends <= self._clock():
            return None
        key = self._keys.read(found.key.id)
        return found if key is not None and key.sha256 == found.key.sha256 else None

    def end(self, token: str) -> None:
        """Log out."""
        with self._lock:
            self._sessions.pop(_digest(token), None)


def is_same_token(expected: str, given: str) -> bool:
    """Whether two CSRF tokens are equal, in constant time."""
    return bool(expected) and hmac.compare_digest(expected.encode(), given.encode())


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()
