"""The gateway between a target's process and its models: keys, counts, recordings, labels."""

import json
from collections import Counter
from collections.abc import Callable
from threading import Lock

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from pipeline.wiring import lab_context
from prompt_lab.decide.ledger import Use
from prompt_lab.experiments.budget_uses import uses
from prompt_lab.names import Outcome
from prompt_lab.records import RECORDED
from tests.pipeline.target_world import BETTER, DUMMY, TargetWorld

pytestmark = pytest.mark.slow
MakeTarget = Callable[..., TargetWorld]
KEY_ENV, KEY = "STAND_IN_KEY", "sk-stand-in-0123456789abcdef"
ASKS = """
    import json, os, urllib.request
    answers = []
    for number in range({calls}):
        said = json.dumps({{"model": models[0]["model"], "messages": [
            {{"role": "system", "content": core.PROMPT}},
            {{"role": "user", "content": f"{{plan_dir}} {{number}}"}}]}})
        request = urllib.request.Request(models[0]["base_url"] + "/chat/completions",
            said.encode(), {{"Content-Type": "application/json"}})
        try:
            with urllib.request.urlopen(request) as found:
                answers.append(json.load(found)["choices"][0]["message"]["content"])
        except urllib.error.HTTPError as error:
            answers.append(f"failed: {{error.code}}")
    Path(out_dir, "answer.txt").write_text(" ".join(answers))
    Path(out_dir, "environment.json").write_text(json.dumps(dict(os.environ)))
    Path(out_dir, "usage_metrics.jsonl").write_text('{{"input_tokens": 987654321}}\\n')
    return {{"prompt": core.PROMPT}}
"""


def asks(calls: int = 1) -> str:
    return ASKS.format(calls=calls).strip()


class Counting:
    """A model that counts what it is asked, by itself: its books are the truth."""

    def __init__(self, server: HTTPServer, text: str = "yes " * 20) -> None:
        self.tokens: Counter[tuple[str, str]] = Counter()
        self.keys: set[str] = set()
        self.text = text
        self._lock = Lock()
        server.expect_request("/v1/chat/completions").respond_with_handler(self._answer)
        self.url = server.url_for("/v1")

    def _answer(self, request: Request) -> Response:
        body = json.loads(request.data)
        system, user = (message["content"] for message in body["messages"])
        plan = user.split()[0].rpartition("/")[2]
        given, got = len(user) + len(system), 7 + len(plan)
        with self._lock:
            self.keys.add(request.headers.get("Authorization", ""))
            self.tokens[plan, system] += given * 1000 + got
        message = {"role": "assistant", "content": self.text}
        said = {
            **{"id": "x", "object": "chat.completion", "created": 0, "model": "stand-in"},
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": {
                "prompt_tokens": given,
                "completion_tokens": got,
                "total_tokens": given + got,
            },
        }
        return Response(json.dumps(said), content_type="application/json")


def test_tokens_of_each_run_are_those_that_the_model_counted(
    make_target: MakeTarget, httpserver: HTTPServer
) -> None:
    model = Counting(httpserver)
    config = {**DUMMY, "base_url": model.url, "workers": 4, "price": {"input": 1.0, "output": 2.0}}
    world = make_target(models={"one": config}, lab_config={"train_plans": 18, "policy": "fixed"})
    world.small(body=asks(3), plans=18)
    world.write(world.root / "configs/policies", {"fixed.yaml": "mode: fixed\nverify: 'off'\n"})
    world.branch("better", {"src/notes/core.py": BETTER})
    assert world.iterate(branch="better")
    runs = world.runs()
    assert len(runs) == 36
    prompts = {"baseline": "List what matters.", "candidate": "List all of what matters."}
    for run in runs:
        usage, folder = run["usage"], world.run_folder(run)
        counted = usage["input_tokens"] * 1000 + usage["output_tokens"]
        assert counted == model.tokens[run["plan"], prompts[run["side"]]]
        assert usage["calls"] == len(run["calls"]) == 3
        rows = [json.loads(row) for row in (folder / "calls.jsonl").read_text().splitlines()]
        assert sum(row["input_tokens"] for row in rows) == usage["input_tokens"]
        assert {row["run"]["plan"] for row in rows} == {run["plan"]}
        overview = json.loads((folder / "activity_overview.json").read_text())
        assert overview["total_input_tokens"] == usage["input_tokens"]
        price = (usage["input_tokens"] + 2 * usage["output_tokens"]) / 1e6
        assert usage["cost_usd"] == pytest.approx(price) == overview["total_cost"]
        assert "987654321" not in (folder / "usage_metrics.jsonl").read_text()


def test_a_key_reaches_the_model_and_nothing_of_the_target(
    make_target: MakeTarget, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_ENV, KEY)
    model = Counting(httpserver, text=f"the key is {KEY}")
    world = make_target(models={"one": {**DUMMY, "base_url": model.url, "key_env": KEY_ENV}})
    world.small(body=asks())
    world.branch("better", {"src/notes/core.py": BETTER})
    assert world.iterate(branch="better")
    assert model.keys == {f"Bearer {KEY}"}
    files = [path for path in world.lab.rglob("*") if path.is_file()]
    assert {"environment.json", "calls.jsonl"} <= {path.name for path in files}
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_what_was_recorded_is_replayed_and_told_on_every_page(
    make_target: MakeTarget, httpserver: HTTPServer, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Counting(httpserver)
    world = make_target(models={"one": {**DUMMY, "base_url": model.url}})
    world.small(body=asks())
    gateway = {"mode": "record", "recordings": "recordings", "by": "call"}
    world.set_lab(gateway=gateway)
    world.branch("better", {"src/notes/core.py": BETTER})
    assert world.iterate(branch="better")
    live, asked = world.runs(), sum(model.tokens.values())
    assert {call["origin"] for run in live for call in run["calls"]} == {"live"}
    world.set_lab(gateway={**gateway, "mode": "replay"})
    next((world.lab / "recordings/candidate/one").glob("*.json")).unlink()
    assert world.iterate(branch="better", number=2)
    assert "1 of 6 runs had no answer" in capsys.readouterr().out
    assert [(use.iteration, use.kind) for use in _uses(world)] == [(1, "trial")]
    again = [run for run in world.runs() if run["iteration"] == 2]
    assert sum(model.tokens.values()) == asked
    assert len(again) == len(live) == 6
    assert {call["origin"] for run in again for call in run["calls"]} == {RECORDED}
    assert "6 replayed, 0 made" in (world.lab / "analysis/2_probe/summary.txt").read_text()
    unknown = [run for run in again if run["calls"][0]["status"] == 422]
    assert [run["side"] for run in unknown] == ["candidate"]
    folder = world.lab / "analysis/2_probe"
    pages = ["insight_metrics.md", "synthesis.md", "assessment.md", "summary.txt", "report.html"]
    for page in pages:
        assert RECORDED in (folder / page).read_text().lower(), page
        assert RECORDED not in (world.folder / page).read_text().lower(), page
    pull = next(world.lab.glob("pulls/0001*")).read_text()
    assert RECORDED in pull
    assert RECORDED in (world.lab / "index.html").read_text()


def _uses(world: TargetWorld) -> list[Use]:
    ctx = lab_context()
    return uses(ctx, world.step, ctx.policy("default"), before=99)


def test_recorded_answers_merge_nothing(make_target: MakeTarget, httpserver: HTTPServer) -> None:
    model = Counting(httpserver)
    world = make_target(
        models={"one": {**DUMMY, "base_url": model.url}}, lab_config={"train_plans": 20}
    )
    world.small(body=asks(), plans=20)
    world.branch("better", {"src/notes/core.py": BETTER})
    answers = {"baseline": "no", "candidate": "yes " * 20}
    for side, text in answers.items():
        for plan in range(20):
            path = f"recordings/{side}/one/plan_{plan}.json"
            world.write(world.lab, {path: json.dumps({"v": 1, "answers": [{"text": text}]})})
    world.set_lab(gateway={"mode": "replay", "recordings": "recordings", "by": "call"})
    assert world.iterate(branch="better")
    verdict = world.verdict()
    assert verdict.effect == pytest.approx(1.0, abs=0.05)
    assert verdict.outcome is Outcome.CONDITIONAL
    assert {"better", "violation", "recorded_answers"} <= world.codes()
    conclusion = json.loads((world.folder / "conclusion.json").read_text())
    assert conclusion["merged_commit"] == ""
    assert (
        "spends nothing" in json.loads((world.folder / "meta.json").read_text())["granted"]["text"]
    )
    assert [use for use in _uses(world) if use.kind == "trial"] == []
