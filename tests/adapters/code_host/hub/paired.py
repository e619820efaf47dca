"""The emulator has no git over HTTP: a bare repository beside it, and each told of the other.

It makes real git ids from what it is given, so both hold the same commits.
"""

import base64
import re
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters.git import Git
from tests.adapters.code_host.hub.emulator import TOKEN, Emulator
from tests.adapters.code_host.hub.wire import Call, Reply, ask

_PERSON = re.compile(r"^(author|committer) (.*) <(.*)> (\d+) ([+-]\d{4})$", re.M)


@dataclass
class Paired:
    """The API of one repository of the emulator, which is made here, with its bare twin."""

    emulator: Emulator
    name: str
    bare: Path
    _known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.git = Git(self.bare)
        self._ask("POST", "/user/repos", {"name": self.name.partition("/")[2]})

    def __call__(self, call: Call) -> Reply:
        """Hand the call on; a merge and a new pull request are then told to the twin."""
        query = "&".join(f"{key}={value}" for key, value in call.query.items())
        path = f"{call.path}?{query}" if query else call.path
        data = call.json if call.body else None
        reply = ask(self.emulator.port, call.method, path, data, call.token)
        if call.path.endswith("/merge") and reply.status == 200:
            self._take_over(reply.data["sha"])
        if call.method == "POST" and call.path.endswith("/pulls") and reply.status == 201:
            ref = f"refs/pull/{reply.data['number']}/head"
            self.git("update-ref", ref, reply.data["head"]["sha"])
        return self._as_asked(call, reply)

    def _as_asked(self, call: Call, reply: Reply) -> Reply:
        """With links to the server that the client knows, not to the one behind it."""
        here, there = f"localhost:{self.emulator.port}", call.headers["host"]
        raw = (reply.raw or b"").replace(here.encode(), there.encode())
        headers = {key: value.replace(here, there) for key, value in reply.headers.items()}
        return Reply(reply.status, None, headers, raw)

    def pushed(self) -> None:
        """Tell the emulator of every branch as it is now."""
        for line in self.git("for-each-ref", "refs/heads").splitlines():
            sha, _, ref = line.partition(" commit\t")
            for commit in self.git("rev-list", "--reverse", sha).split():
                self._give(commit)
            short = ref.removeprefix("refs/")
            known = ask(self.emulator.port, "GET", f"{self._path}/git/ref/{short}", token=TOKEN)
            if known.status == 404:
                self._ask("POST", f"{self._path}/git/refs", {"ref": ref, "sha": sha})
            elif known.data["object"]["sha"] != sha:
                changed = {"sha": sha, "force": True}
                self._ask("PATCH", f"{self._path}/git/refs/{short}", changed)

    @property
    def _path(self) -> str:
        return f"/repos/{self.name}"

    def _ask(self, method: str, path: str, data: Any = None) -> Any:
        reply = ask(self.emulator.port, method, path, data, TOKEN)
        assert reply.status in (200, 201), (method, path, reply.data)
        return reply.data

    def _give(self, commit: str) -> None:
        if commit in self._known:
            return
        entries = []
        for line in self.git("ls-tree", "-r", "-z", commit).split("\0")[:-1]:
            about, _, path = line.partition("\t")
            mode, kind, sha = about.split(" ")
            if sha not in self._known:
                content = base64.b64encode(self.git.raw("cat-file", "blob", sha)).decode()
                blob = {"content": content, "encoding": "base64"}
                assert self._ask("POST", f"{self._path}/git/blobs", blob)["sha"] == sha
                self._known.add(sha)
            entries.append({"path": path, "mode": mode, "type": kind, "sha": sha})
        tree = self._ask("POST", f"{self._path}/git/trees", {"tree": entries})["sha"]
        raw = self.git.raw("cat-file", "commit", commit).decode()
        given = {"tree": tree, **_told(raw)}
        assert self._ask("POST", f"{self._path}/git/commits", given)["sha"] == commit
        self._known.add(commit)

    def _take_over(self, sha: str) -> None:
        """The merge commit that the emulator has made, and main on it."""
        made = self._ask("GET", f"{self._path}/git/commits/{sha}")
        people = [
            f"{who} {made[who]['name']} <{made[who]['email']}> {_seconds(made[who]['date'])} +0000"
            for who in ("author", "committer")
        ]
        parents = [f"parent {parent['sha']}" for parent in made["parents"]]
        head = "\n".join([f"tree {made['tree']['sha']}", *parents, *people])
        text = f"{head}\n\n{made['message']}".removesuffix("\n") + "\n"
        raw = self.git.raw("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())
        assert raw.decode().strip() == sha
        self.git("update-ref", "refs/heads/main", sha)
        self._known.add(sha)


def _told(raw: str) -> dict[str, Any]:
    head, _, message = raw.partition("\n\n")
    people = {
        who: {"name": name, "email": email, "date": _date(int(seconds), zone)}
        for who, name, email, seconds, zone in _PERSON.findall(head)
    }
    parents = [line.partition(" ")[2] for line in head.splitlines() if line.startswith("parent ")]
    return {"message": message, "parents": parents, **people}


def _date(seconds: int, zone: str) -> str:
    there = datetime.strptime(zone, "%z").tzinfo
    return datetime.fromtimestamp(seconds, there).isoformat()


def _seconds(date: str) -> int:
    return int(datetime.fromisoformat(date).timestamp())
