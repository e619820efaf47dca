"""Our stand-in for GitHub's REST API, after its published description, on a bare repository.

It knows the few calls that a code host needs, with the answers that GitHub documents for them:
401 without a good token, 403 without the right, 404, 405 where a merge is refused, 409 where the
head is not the one expected, 422 where a field is wrong. Merges are real ones, in the repository.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from adapters.code_host._merge import check_merge, contains, make_merge
from adapters.git import Git, branch_head
from prompt_lab.errors import MergeConflict
from tests.adapters.code_host.hub.stand_in_pulls import Pulls, StoredPull
from tests.adapters.code_host.hub.stand_in_rules import Rules
from tests.adapters.code_host.hub.wire import Call, Reply

WHEN = "2026-03-04T05:06:07Z"
_NOT_FOUND = Reply(404, {"message": "Not Found"})
_RIGHTS = {
    "merge": "contents=write",
    "statuses": "statuses=write",
    "comments": "pull_requests=write",
    "labels": "pull_requests=write",
    "pulls": "pull_requests=write",
    "pull": "pull_requests=write",
    "comment": "pull_requests=write",
    "runs": "checks=write",
}


@dataclass
class StandIn:
    """The API of one repository, `name`. `tokens` is key -> rights; '*' is all of them."""

    name: str
    bare: Path
    tokens: dict[str, set[str]]
    rules: Rules = field(default_factory=Rules)
    statuses: list[dict[str, str]] = field(default_factory=list)
    check_runs: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.git = Git(self.bare)
        self.pulls = Pulls(self.git, self.name)

    def __call__(self, call: Call) -> Reply:
        """Answer one call."""
        if call.token not in self.tokens:
            return Reply(401, {"message": "Bad credentials"})
        for pattern, handler in self._routes().items():
            method, _, path = pattern.partition(" ")
            found = re.fullmatch(path.replace("REPO", f"/repos/{self.name}"), call.path)
            if found and method == call.method:
                return self._allowed(call, handler) or self._guarded(handler, call, found)
        return _NOT_FOUND

    def _routes(self) -> dict[str, Callable[..., Reply]]:
        return {
            "GET /user": self.user,
            "GET REPO": self.repository,
            "GET REPO/git/ref/heads/(.+)": self.ref,
            "GET REPO/pulls": self.list,
            "POST REPO/pulls": self.post_pulls,
            r"GET REPO/pulls/(\d+)": self.get,
            r"PATCH REPO/pulls/(\d+)": self.patch_pull,
            r"PUT REPO/pulls/(\d+)/merge": self.put_merge,
            r"GET REPO/issues/(\d+)/comments": self.list_comments,
            r"POST REPO/issues/(\d+)/comments": self.post_comments,
            r"PATCH REPO/issues/comments/(\d+)": self.patch_comment,
            r"POST REPO/issues/(\d+)/labels": self.post_labels,
            r"DELETE REPO/issues/(\d+)/labels/(.+)": self.delete_labels,
            "GET REPO/commits/([0-9a-f]{40})": self.commit,
            "GET REPO/commits/([0-9a-f]{40})/statuses": self.list_statuses,
            "GET REPO/statuses/([0-9a-f]{40})": self.list_statuses,  # its old name, still served
            "POST REPO/statuses/([0-9a-f]{40})": self.post_statuses,
            "GET REPO/commits/([0-9a-f]{40})/check-runs": self.list_runs,
            "POST REPO/check-runs": self.post_runs,
        }

    def _allowed(self, call: Call, handler: Callable[..., Reply]) -> Reply | None:
        needed = _RIGHTS.get(handler.__name__.rpartition("_")[2], "")
        rights = self.tokens[call.token]
        if call.method == "GET" or "*" in rights or needed.partition("=")[0] in rights:
            return None
        message = "Resource not accessible by personal access token"
        return Reply(403, {"message": message}, {"X-Accepted-GitHub-Permissions": needed})

    def _guarded(self, handler: Callable[..., Reply], call: Call, found: re.Match[str]) -> Reply:
        try:
            return handler(call, *(int(g) if g.isdecimal() else g for g in found.groups()))
        except KeyError:
            return _NOT_FOUND

    def user(self, call: Call) -> Reply:
        return Reply(200, {"login": call.token, "type": "User"})

    def repository(self, call: Call) -> Reply:
        return Reply(200, {"full_name": self.name, "url": f"/repos/{self.name}"})

    def ref(self, call: Call, branch: str) -> Reply:
        head = branch_head(self.git, branch)
        object_ = {"type": "commit", "sha": head}
        return (
            Reply(200, {"ref": f"refs/heads/{branch}", "object": object_}) if head else _NOT_FOUND
        )

    def list(self, call: Call) -> Reply:
        wanted = call.query.get("state", "open")
        branch = call.query.get("head", "").partition(":")[2]
        return Reply(
            200,
            [
                self._shown(pull)
                for pull in reversed(self.pulls.all)
                if (not branch or pull.branch == branch)
                and pull.base == call.query.get("base", pull.base)
                and wanted in ("all", pull.state)
            ],
        )

    def post_pulls(self, call: Call) -> Reply:
        asked = call.json
        head, base = (branch_head(self.git, asked[key]) for key in ("head", "base"))
        fault = ""
        if head is None or base is None:
            fault = "head or base does not exist"
        elif contains(self.git, base, head):
            fault = f"No commits between {asked['base']} and {asked['head']}"
        elif any(p.branch == asked["head"] and p.state == "open" for p in self.pulls.all):
            fault = f"A pull request already exists for {asked['head']}."
        if fault:
            return Reply(422, {"message": "Validation Failed", "errors": [{"message": fault}]})
        pull = self.pulls.add(asked["title"], asked["body"], asked["head"], asked["base"])
        return Reply(201, self._shown(pull))

    def get(self, call: Call, number: int) -> Reply:
        pull = self.pulls[number]
        shown = self._shown(pull)
        known = pull.looked_at == shown["head"]["sha"] or not self.rules.thinks_first
        pull.looked_at = shown["head"]["sha"]
        return Reply(200, {**shown, "mergeable": self._mergeable(pull) if known else None})

    def patch_pull(self, call: Call, number: int) -> Reply:
        pull = self.pulls[number]
        if call.json.get("state") == "closed" and pull.state == "open":
            self.pulls.end(pull, "closed")
        return self.get(call, number)

    def put_merge(self, call: Call, number: int) -> Reply:
        pull, asked = self.pulls[number], call.json
        head = self.pulls.head(pull)
        if pull.state != "open":
            return Reply(405, {"message": "Pull Request is not mergeable"})
        if asked.get("sha", head) != head:
            return Reply(
                409, {"message": "Head branch was modified. Review and try the merge again."}
            )
        if not self._mergeable(pull):
            return Reply(405, {"message": "Pull Request has merge conflicts"})
        forbidden = self.rules.forbid(head, self.statuses)
        if forbidden:
            return Reply(405, {"message": forbidden})
        base = branch_head(self.git, pull.base)
        assert base is not None
        message = f"{asked['commit_title']}\n\n{asked['commit_message']}".strip()
        ends, scratch = (base, head), self.bare.parent / "scratch"
        merged = make_merge(self.git, scratch, ends, message=message, when=WHEN)
        self.git("update-ref", f"refs/heads/{pull.base}", merged, base)
        self.pulls.end(pull, "merged", merged)
        return Reply(200, {"sha": merged, "merged": True, "message": "merged"})

    def list_comments(self, call: Call, number: int) -> Reply:
        comments = self.pulls[number].comments
        page, size = (int(call.query.get(k, n)) for k, n in (("page", "1"), ("per_page", "30")))
        link = f'<{call.path}?per_page={size}&page={page + 1}>; rel="next"'
        more = {"Link": link} if page * size < len(comments) else {}
        return Reply(200, comments[(page - 1) * size : page * size], more)

    def post_comments(self, call: Call, number: int) -> Reply:
        comment = self.pulls.comment(number, call.token, call.json["body"])
        return Reply(201, comment)

    def patch_comment(self, call: Call, number: int) -> Reply:
        for pull in self.pulls.all:
            for comment in pull.comments:
                if comment["id"] == number:
                    comment["body"] = call.json["body"]
                    self.pulls.events.append(("edited", pull.number))
                    return Reply(200, comment)
        return _NOT_FOUND

    def post_labels(self, call: Call, number: int) -> Reply:
        pull = self.pulls[number]
        asked = call.json if isinstance(call.json, list) else call.json["labels"]
        pull.labels += [name for name in asked if name not in pull.labels]
        return Reply(200, [{"name": name} for name in pull.labels])

    def delete_labels(self, call: Call, number: int, name: str) -> Reply:
        labels = self.pulls[number].labels
        if unquote(name) not in labels:
            return Reply(404, {"message": "Label does not exist"})
        labels.remove(unquote(name))
        return Reply(200, [{"name": name} for name in labels])

    def commit(self, call: Call, sha: str) -> Reply:
        return Reply(200, {"sha": sha, "url": f"/repos/{self.name}/commits/{sha}"})

    def list_statuses(self, call: Call, sha: str) -> Reply:
        if not self.rules.has_statuses:
            return _NOT_FOUND
        return Reply(200, [s for s in reversed(self.statuses) if s["sha"] == sha])

    def post_statuses(self, call: Call, sha: str) -> Reply:
        if not self.rules.has_statuses:
            return _NOT_FOUND
        self.statuses.append({**call.json, "sha": sha})
        return Reply(201, self.statuses[-1])

    def list_runs(self, call: Call, sha: str) -> Reply:
        runs = [run for run in self.check_runs if run["head_sha"] == sha]
        return Reply(200, {"total_count": len(runs), "check_runs": runs})

    def post_runs(self, call: Call) -> Reply:
        self.check_runs.append({"id": len(self.check_runs) + 1, **call.json})
        return Reply(201, self.check_runs[-1])

    def _mergeable(self, pull: StoredPull) -> bool:
        head, base = self.pulls.head(pull), branch_head(self.git, pull.base)
        if pull.state != "open" or base is None:
            return False
        try:
            check_merge(self.git, self.bare.parent / "scratch", (base, head), when=WHEN)
        except MergeConflict:
            return False
        return True

    def _shown(self, pull: StoredPull) -> dict[str, Any]:
        return self.pulls.shown(pull)
