"""An iteration on GitHub that is refused: before it starts, or for a while; and what is said."""

import time

import pytest

from tests.adapters.code_host.hub.emulator import TOKEN
from tests.adapters.code_host.hub.wire import Reply
from tests.pipeline.github.github_command import ends, judge, run, stops
from tests.pipeline.github.github_world import OTHER, GitHubWorld

pytestmark = pytest.mark.slow


class TestBefore:
    """What is seen before anything is run."""

    def _pull(self, hub: GitHubWorld, base: str = "main") -> None:
        hub.world.git("push", "-q", str(hub.bare), "idea", "main:release")
        hub.stand_in.pulls.add("Mine", "By hand.", "idea", base)

    def test_a_pull_request_that_is_there_is_taken(self, hub: GitHubWorld) -> None:
        self._pull(hub)
        hub.world.git("branch", "-q", "-D", "idea")
        judge(hub, "--pr", "1")
        assert hub.world.record(1, "change")["commit"] == hub.git("rev-parse", "idea")
        ends(hub, "merged")

    @pytest.mark.parametrize(
        ("arrange", "words"),
        [
            ("closed", ("/pull/1) is closed, not open",)),
            ("base", ("goes into 'release'", "'main'")),
            ("conflict", ("'idea' conflicts with 'main'",)),
            ("none", ("there is no pull request #1",)),
        ],
    )
    def test_one_that_no_run_may_start_from(
        self, hub: GitHubWorld, arrange: str, words: tuple[str, ...]
    ) -> None:
        if arrange != "none":
            self._pull(hub, "release" if arrange == "base" else "main")
        if arrange == "closed":
            hub.stand_in.pulls.end(hub.stand_in.pulls[1], "closed")
        if arrange == "conflict":
            hub.commit("main", "prompt.txt", OTHER)
        stops(run(hub, "Iteration", "--pr", "1"), *words)
        assert not (hub.world.folder(1) / "meta.json").exists()

    def test_no_key(self, hub: GitHubWorld) -> None:
        stops(run(hub, "Iteration", GITHUB_TOKEN=""), "set GITHUB_TOKEN")
        assert not (hub.world.folder(1) / "meta.json").exists()

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (("code_host: github\n", ""), ("go together",)),
            (("pause: 0.01", "puase: 0.01"), ("github.puase", "unknown key")),
            (("base_url: http:", "base_url: ftp:"), ("github.base_url", "https://")),
        ],
    )
    def test_a_config_that_is_wrong(
        self, hub: GitHubWorld, change: tuple[str, str], words: tuple[str, ...]
    ) -> None:
        path = hub.world.root / "configs/targets/shop.yaml"
        path.write_text(path.read_text().replace(*change))
        stops(run(hub, "Iteration"), "shop.yaml", *words)


class TestThenWell:
    """GitHub that says no for a while: the same command goes on, and repeats nothing."""

    def test_a_token_without_rights(self, hub: GitHubWorld) -> None:
        judge(hub)
        hub.stand_in.tokens[TOKEN] = {"statuses", "contents"}
        stops(run(hub, "Iteration"), "no right", "pull_requests=write", "docs/github.md")
        hub.stand_in.tokens[TOKEN] = {"pull_requests", "statuses"}
        stops(run(hub, "Iteration"), "no right", "contents=write")
        hub.stand_in.tokens[TOKEN] = {"*"}
        ends(hub, "merged")

    def test_a_rate_limit_with_its_end(self, hub: GitHubWorld) -> None:
        judge(hub)
        reset = int(time.time()) + 900
        used_up = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(reset)}
        limit = Reply(403, {"message": "API rate limit exceeded for user ID 1."}, used_up)
        until = time.strftime("%Y-%m-%d %H:%M", time.gmtime(reset))
        for method, ending in (("POST", "/comments"), ("PUT", "/merge"), ("GET", "/pulls/1")):
            hub.hub.fail(method, ending, limit)
            stops(run(hub, "Iteration"), f"rate limit is used up until {until}", "same command")
        ends(hub, "merged")

    def test_502_three_times_then_well(self, hub: GitHubWorld) -> None:
        bad = Reply(502, None, {"Content-Type": "text/html"}, b"<h1>Bad Gateway</h1>")
        for method, ending in (("POST", "/pulls"), ("POST", "/comments"), ("PUT", "/merge")):
            hub.hub.fail(method, ending, bad, times=3)
        judge(hub)
        ends(hub, "merged")
        assert [what for what, _ in hub.stand_in.pulls.events] == ["opened", "commented", "merged"]

    def test_a_review_that_is_required(self, hub: GitHubWorld) -> None:
        judge(hub)
        hub.stand_in.rules.reviews = 1
        for _ in range(2):
            stops(run(hub, "Iteration"), "YES, but #1", "1 approving review", "same command again")
        assert hub.stand_in.pulls[1].labels == ["prompt-lab: merge refused"]
        assert not (hub.world.folder(1) / "conclusion.json").exists()
        hub.stand_in.rules.reviews = 0
        ends(hub, "merged")
        assert hub.stand_in.pulls[1].labels == []
        assert [status["state"] for status in hub.stand_in.statuses] == ["success"]
