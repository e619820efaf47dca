"""Keys of the web app: shown once when made, kept as hashes, compared in constant time."""

import hmac
import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Literal

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field

from prompt_lab.errors import UnknownName, UsageError
from prompt_lab.store.files import disk_errors, read_record, write_record
from prompt_lab.store.layout import Lab

Role = Literal["reader", "operator"]
_PREFIX = "plk"
_FIX = "Remove it, and make new keys with `prompt-lab keys add NAME`"


class WebKey(BaseModel):
    """One key as it is kept. The key itself, 32 random bytes, is known to its owner alone."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    name: str = Field(description="who acts with it: the actor of a rollback")
    role: Role
    sha256: str
    created: str


class _KeyFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    version: int = 1
    keys: tuple[WebKey, ...] = ()


class WebKeys:
    """web_keys.json of a lab, read again whenever it has changed."""

    def __init__(self, lab: Lab) -> None:
        self.path = lab.root / "web_keys.json"
        self._sign: tuple[int, ...] = ()
        self._keys: dict[str, WebKey] = {}

    def add(self, name: str, role: Role, when: str) -> str:
        """Make a key and return it: nothing can show it again."""
        if not name.strip() or not name.isprintable() or len(name) > 60:
            raise UsageError(f"{name!r}: name the person or service that uses the key.")
        key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
        key = f"{_PREFIX}_{key_id}_{secret}"
        made = WebKey(id=key_id, name=name, role=role, sha256=_digest(key), created=when)
        self._change(lambda keys: (*keys, made))
        return key

    def remove(self, key_id: str) -> None:
        """Sessions of the key end with it. Raises UnknownName."""
        if key_id not in self._load():
            raise UnknownName("key", key_id, self._load(), str(self.path))
        self._change(lambda keys: tuple(key for key in keys if key.id != key_id))

    def list_keys(self) -> list[WebKey]:
        """Every key, oldest first."""
        return list(self._load().values())

    def find(self, key: str) -> WebKey | None:
        """The entry of a key; None for one that is not known."""
        parts = key.split("_", 2)
        known = self._load().get(parts[1]) if len(parts) == 3 else None
        # An unknown id costs the same comparison, so that its time reveals nothing.
        expected = known.sha256 if known else _digest("")
        matches = hmac.compare_digest(expected, _digest(key))
        return known if matches and known else None

    def read(self, key_id: str) -> WebKey | None:
        """The entry with that id."""
        return self._load().get(key_id)

    def _change(self, edit: Callable[[tuple[WebKey, ...]], tuple[WebKey, ...]]) -> None:
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(".web_keys.lock")):
            keys = edit(tuple(self._load().values()))
            write_record(self.path, _KeyFile(keys=keys))
            with disk_errors(self.path):
                self.path.chmod(0o600)

    def _load(self) -> dict[str, WebKey]:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return {}
        sign = (found.st_ino, found.st_mtime_ns, found.st_size)
        if sign != self._sign:
            kept = read_record(self.path, _KeyFile, fix=_FIX)
            self._keys, self._sign = {key.id: key for key in kept.keys}, sign
        return self._keys


def _digest(key: str) -> str:
    """A random key of 256 bits needs no slow hash."""
    return sha256(key.encode()).hexdigest()
