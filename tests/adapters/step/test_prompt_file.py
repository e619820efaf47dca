"""Prompt-file steps: what they read, ask, keep and score."""

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from adapters.step.classify_ticket import ClassifyTicket
from adapters.step.extract_invoice import ExtractInvoice
from prompt_lab.config.base import load_folder
from prompt_lab.config.lab import StepConfig, TargetConfig
from prompt_lab.errors import CallRefused, StoreError, TargetError, TransientError
from prompt_lab.evaluate.answers import blob_id
from prompt_lab.ports import Answer, Ask, Request, StepJob

PROMPT = "Extract.\n[user]\nInvoice:\n{invoice}\n"
SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "number"}, "vendor": {"type": "string"}},
    "required": ["amount", "vendor"],
}
GOOD = '{"amount": 12.5, "vendor": "Nord AG"}'
CONFIG = StepConfig(
    name="extract_invoice",
    adapter="extract_invoice",
    target="invoices",
    prompt="prompts/p.txt",
    schema_path="schemas/s.json",
    primary="fields",
    max_tokens=50,
)


class Room:
    """A worktree, a plan and an out folder; `run` executes the step on an answer."""

    def __init__(self, root: Path) -> None:
        self.worktree, self.plan, self.out = root / "tree", root / "plan", root / "out"
        for folder in (self.worktree / "prompts", self.worktree / "schemas", self.plan, self.out):
            folder.mkdir(parents=True)
        (self.worktree / "prompts/p.txt").write_text(PROMPT)
        (self.worktree / "schemas/s.json").write_text(json.dumps(SCHEMA))
        (self.plan / "invoice.txt").write_text("Nord AG\nTotal 12.50 {amount}\n")
        (self.plan / "invoice.json").write_text('{"amount": 12.5, "vendor": "NORD ag"}')
        self.step = ExtractInvoice(CONFIG)
        self.asked: list[Request] = []

    def job(self, ask: Ask) -> StepJob:
        return StepJob(self.worktree, self.plan, self.out, ask, seed=7)

    def run(self, text: str, finish_reason: str = "stop") -> str | None:
        result = self.step.execute(self.job(self.answering(text, finish_reason)))
        return result.error.kind if result.error else None

    def answering(self, text: str, finish_reason: str = "stop") -> Callable[[Request], Answer]:
        def ask(request: Request) -> Answer:
            self.asked.append(request)
            return Answer(text, 1, 1, 0.1, finish_reason=finish_reason)

        return ask

    def score(self) -> dict[str, float]:
        return self.step.score(self.plan, self.out)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_it_asks_what_the_files_say_and_keeps_the_answer(room: Room) -> None:
    assert room.run(GOOD) is None
    (request,) = room.asked
    assert request == Request(
        "Extract.", "Invoice:\nNord AG\nTotal 12.50 {amount}", SCHEMA, max_tokens=50, seed=7
    )
    assert json.loads((room.out / "invoice.json").read_text()) == json.loads(GOOD)
    assert (room.out / "invoice_raw.txt").read_text() == GOOD
    assert sorted(p.name for p in room.out.iterdir()) == ["invoice.json", "invoice_raw.txt"]
    assert room.score() == {"fields": 1.0, "amount": 1.0, "vendor": 1.0}


def test_it_tells_what_it_read(room: Room) -> None:
    result = room.step.execute(room.job(room.answering(GOOD)))
    assert room.step.sources == ("prompts/p.txt", "schemas/s.json")
    assert result.files == {
        path: blob_id((room.worktree / path).read_bytes()) for path in room.step.sources
    }
    assert result.prompt_sha256 == sha256(PROMPT.encode()).hexdigest()
    (room.worktree / "prompts/p.txt").write_text(PROMPT + "Now.\n")
    changed = room.step.execute(room.job(room.answering(GOOD)))
    assert changed.request_sha256 != result.request_sha256
    assert changed.files["prompts/p.txt"] != result.files["prompts/p.txt"]


def test_a_bad_answer_is_data_and_leaves_no_output_behind(room: Room) -> None:
    assert room.run(GOOD) is None
    assert room.run("12.5") == "wrong_type"
    assert room.run('{"amount": 1', "length") == "truncated"
    assert room.run("") == "empty_answer"
    assert (room.out / "invoice_raw.txt").read_text() == ""
    assert not (room.out / "invoice.json").exists()
    assert room.score() == {"fields": 0.0, "amount": 0.0, "vendor": 0.0}


def test_half_a_surrogate_pair_can_be_kept(room: Room) -> None:
    assert room.run('{"amount": 1, "vendor": "\\ud800"}') is None
    assert room.run("\ud800") == "invalid_json"


def test_a_refusal_is_data_and_a_dead_network_is_not(room: Room) -> None:
    def refuse(_: Request) -> Answer:
        raise CallRefused("too long: 9,000 tokens")

    def dead(_: Request) -> Answer:
        raise TransientError("connection reset")

    result = room.step.execute(room.job(refuse))
    assert result.error is not None
    assert (result.error.kind, result.error.message) == ("refused", "too long: 9,000 tokens")
    with pytest.raises(TransientError, match="reset"):
        room.step.execute(room.job(dead))


def test_score_gives_part_credit(room: Room) -> None:
    room.run('{"amount": 99, "vendor": "Nord AG"}')
    assert room.score() == {"fields": 0.5, "amount": 0.0, "vendor": 1.0}


@pytest.mark.parametrize(("gold", "why"), [(None, "missing"), ("[1]", "gold"), ("{}", "no fields")])
def test_a_plan_without_gold_says_so(room: Room, gold: str | None, why: str) -> None:
    (room.plan / "invoice.json").unlink()
    if gold is not None:
        (room.plan / "invoice.json").write_text(gold)
    with pytest.raises(StoreError, match=rf"invoice\.json.*{why}"):
        room.score()


def test_a_path_that_leads_out_of_the_worktree_is_refused(room: Room, tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    (room.worktree / "link.txt").symlink_to(tmp_path / "secret.txt")
    for path in ("../secret.txt", str(tmp_path / "secret.txt"), "link.txt"):
        room.step = ExtractInvoice(CONFIG.model_copy(update={"prompt": path}))
        with pytest.raises(TargetError, match="leads out"):
            room.run(GOOD)
    assert room.asked == []


@pytest.mark.parametrize(
    ("path", "content", "why"),
    [
        ("prompts/p.txt", None, "cannot be read"),
        ("prompts/p.txt", b"\xff\xfe", "not UTF-8"),
        ("schemas/s.json", b'{\n"a" 1}', r"s\.json:2"),
        ("schemas/s.json", b"[]", "object"),
    ],
)
def test_broken_sources_are_faults_of_the_target(
    room: Room, path: str, content: bytes | None, why: str
) -> None:
    (room.worktree / path).unlink()
    if content is not None:
        (room.worktree / path).write_bytes(content)
    with pytest.raises(TargetError, match=why):
        room.run(GOOD)


def test_a_second_step_is_a_few_lines(room: Room) -> None:
    config = CONFIG.model_copy(update={"name": "classify_ticket", "primary": "label"})
    room.step = ClassifyTicket(config)  # type: ignore[assignment]
    (room.plan / "ticket.txt").write_text("My card was charged twice.")
    (room.plan / "ticket.json").write_text('{"label": "billing"}')
    (room.worktree / "schemas/s.json").write_text('{"properties": {"label": {"type": "string"}}}')
    assert room.run('{"label": "Billing"}') is None
    assert room.score() == {"label": 1.0}
    room.run('{"label": "account"}')
    assert room.score() == {"label": 0.0}
    (room.plan / "ticket.json").write_text('{"topic": "billing"}')
    with pytest.raises(StoreError, match="'label'"):
        room.score()


def test_the_configs_of_the_steps_and_targets_are_valid() -> None:
    configs = Path(__file__).parents[3] / "configs"
    steps = load_folder(configs / "steps", StepConfig, "name")
    targets = load_folder(configs / "targets", TargetConfig, "name")
    assert {"extract_invoice", "classify_ticket"} <= set(steps)
    assert {step.target for step in steps.values()} <= set(targets)
