"""The contract API in process: what is applied, how it is joined, and what every failure gives."""

import json
import threading
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import prompt_lab
from prompt_lab.config.promptops import PromptOpsConfig
from prompt_lab.errors import ConfigError
from prompt_lab.promptops.contract import PromptOps, open_promptops
from prompt_lab.promptops.outcomes import ingest_facts
from prompt_lab.promptops.prepared_rows import hash_unit, make_traces
from prompt_lab.promptops.records import Arm, Canary
from prompt_lab.prompts.manifest import propose_manifest
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.store.files import read_rows, write_record
from prompt_lab.store.layout import Lab
from prompt_lab.store.prompt_files import PromptFiles
from prompt_lab.store.prompt_registry import PromptRegistry
from tests.memory_stores import MemoryOutcomes
from tests.pipeline.web.labs import ID, QUERY, find_any, why, write_text
from tests.processes import until

BRIEF = "Answer in one sentence. Name the source. If you do not know, say so.\n" * 4
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}


def make_registry(root: Path, texts: dict[str, str], **classes: tuple[str, str]) -> PromptRegistry:
    """A lab with these prompts; `classes`: prompt id -> (task class, intent)."""
    registry = PromptRegistry(PromptFiles(root / "prompts"), find_any)
    manifests = {
        name: propose_manifest(name, text).model_copy(
            update=dict(
                zip(("task_class", "intent_class"), classes.get(name, ("", "")), strict=True)
            )
        )
        for name, text in texts.items()
    }
    registry.import_texts(texts, manifests, why("from the agent", 1))
    return registry


def open_service(root: Path, **options: Any) -> PromptOps:
    # A busy machine may take away the processor for longer than the default budget.
    config = PromptOpsConfig(**{"prepare_ms": 60_000.0, **options.pop("config", {})})
    return PromptOps(Lab(root), config, **options)


def read_metrics(root: Path) -> list[dict[str, Any]]:
    return read_rows(root / "promptops" / "metrics.jsonl")


def test_the_registered_text_is_the_system_message_and_the_raw_prompt_the_users(
    tmp_path: Path,
) -> None:
    registry = make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
    with open_service(tmp_path) as service:
        got = service.prepare("faq", "Where is the press?")
    assert got.prompt == (
        {"role": "system", "content": BRIEF.strip()},
        {"role": "user", "content": "Where is the press?"},
    )
    assert (got.applied, got.prompt_id, got.strategy, got.reason) == (True, "brief", "current", "")
    assert got.variant == digest_text(BRIEF)
    assert got.snapshot == registry.read_current()[0]


def test_a_text_with_the_query_placeholder_takes_the_raw_prompt_in(tmp_path: Path) -> None:
    make_registry(tmp_path, {"brief": BRIEF + "Question: {{ query }}"}, brief=("faq", ""))
    with open_service(tmp_path) as service:
        assert service.prepare("faq", "Why? {{ query }}").prompt == (
            BRIEF + "Question: Why? {{ query }}"
        )


def test_messages_keep_their_images_and_the_callers_are_not_changed(tmp_path: Path) -> None:
    texts = {"system": BRIEF, "ask": BRIEF + "\n[user]\nRead this: {{ query }}\n"}
    make_registry(tmp_path, texts, system=("plain", ""), ask=("ocr", ""))
    raw = (
        {"role": "system", "content": "old"},
        {"role": "user", "content": [{"type": "text", "text": "the label"}, IMAGE]},
    )
    before = json.dumps(raw)
    with open_service(tmp_path) as service:
        plain, ocr = service.prepare("plain", raw), service.prepare("ocr", raw)
    system = {"role": "system", "content": BRIEF.strip()}
    assert plain.prompt == (system, raw[1])
    filled = [{"type": "text", "text": "Read this: the label"}, IMAGE]
    assert ocr.prompt == (system, {"role": "user", "content": filled})
    assert json.dumps(raw) == before


def test_inputs_fill_the_other_placeholders_and_a_missing_one_gives_the_raw_prompt(
    tmp_path: Path,
) -> None:
    make_registry(tmp_path, {ID: write_text("first")})
    with open_service(tmp_path) as service:
        got = service.prepare(ID, "Go", {"inputs": {"PLAYBOOKS": "Use the crane."}})
        assert "Use the crane." in str(got.prompt)
        assert "PLAYBOOKS" not in str(got.prompt)
        raw = service.prepare(ID, "Go")
        wrong = service.prepare(ID, "Go", {"inputs": {"PLAYBOOKS": 5}})
        worse = service.prepare(ID, "Go", {"inputs": "PLAYBOOKS"})
    for one in (raw, wrong, worse):
        assert (one.prompt, one.applied, one.strategy, one.prompt_id) == ("Go", False, "raw", "")
    assert "'PLAYBOOKS'" in raw.reason


@pytest.mark.parametrize(
    ("task_class", "context", "expected"),
    [
        ("query", {"intent": "state"}, "state_query"),
        ("query", {"intent": "question"}, "query"),
        ("query", {}, "query"),
        ("named", {}, "brief"),
        ("brief", {}, "brief"),
        ("lost", {}, ""),
        ("unheard", {}, ""),
        ("twice", {}, ""),
    ],
)
def test_the_prompt_of_a_task_class(
    tmp_path: Path, task_class: str, context: dict[str, Any], expected: str
) -> None:
    texts = {"query": QUERY, "state_query": QUERY + "State.", "brief": BRIEF}
    texts |= {"one": BRIEF + "1", "two": BRIEF + "2"}
    classes = {"query": ("query", "question"), "state_query": ("query", "state")}
    make_registry(tmp_path, texts, **classes, one=("twice", ""), two=("twice", ""))
    config = {"task_classes": {"named": "brief", "lost": "gone"}}
    with open_service(tmp_path, config=config) as service:
        got = service.prepare(task_class, "raw", context)
        template = service.recommend_template(task_class, context)
    assert got.prompt_id == expected
    assert got.applied == bool(expected) == (not got.reason)
    assert (template.prompt_id if template else "") == expected
    assert template is None or template.text == texts[expected]


def test_a_lab_without_prompts_gives_raw_prompts_until_it_has_some(tmp_path: Path) -> None:
    with open_service(tmp_path) as service:
        got = service.prepare("faq", "raw")
        assert (got.prompt, got.applied) == ("raw", False)
        assert "holds no prompts" in got.reason
        make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
        until(lambda: service.prepare("faq", "raw").applied)


def test_a_promotion_reaches_a_process_that_has_opened_the_service(tmp_path: Path) -> None:
    registry = make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
    with open_service(tmp_path) as service:
        better = BRIEF + "Be polite."
        registry.promote({"brief": better}, {"brief": f"v:{digest_text(better)}"}, why("yes", 2))
        until(lambda: service.prepare("faq", "raw").variant == digest_text(better))


def test_what_is_no_prompt_comes_back_as_it_was_given(tmp_path: Path) -> None:
    make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
    strange: tuple[Any, ...] = (5, None, [5], ({"role": "assistant", "content": "x"},), ({},))
    with open_service(tmp_path) as service:
        for raw in strange:
            got = service.prepare("faq", raw)
            assert got.prompt is raw
            assert not got.applied
            assert got.reason


def test_a_prepare_beyond_its_budget_gives_the_raw_prompt(tmp_path: Path) -> None:
    make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
    ticks = count()
    config = {"prepare_ms": 50.0}
    with open_service(tmp_path, clock=lambda: next(ticks) * 0.1, config=config) as service:
        got = service.prepare("faq", "raw")
    assert (got.prompt, got.applied) == ("raw", False)
    assert got.reason == "it took 100 ms, and the budget is 50 ms"


def test_refresh_reads_changes_at_once(tmp_path: Path) -> None:
    """As a simulated clock needs it, on which no watching thread is waited for."""
    with open_service(tmp_path, choose_arm=lambda *_: "canary") as service:
        registry = make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
        service.served.refresh()
        assert service.prepare("faq", "raw").variant == digest_text(BRIEF)
        write_canary(tmp_path, registry, BRIEF + "Be polite.")
        service.served.refresh()
        assert service.prepare("faq", "raw").variant == digest_text(BRIEF + "Be polite.")
        registry.force("brief", BRIEF + "By hand.", why("a person's act", 3))
        service.served.refresh()
        assert service.prepare("faq", "raw").variant == digest_text(BRIEF + "By hand.")


def write_canary(root: Path, registry: PromptRegistry, text: str, **fields: Any) -> None:
    control = registry.read_current()[1].prompts["brief"]
    canary = Canary(
        prompt_id="brief",
        candidate=registry.files.write_version(text),
        control=control,
        verdict_id="",
        share=0.5,
        seed=1,
        started="2026-01-01T00:00:00Z",
    )
    write_record(root / "promptops" / "canaries" / "brief.json", canary.model_copy(update=fields))


def test_a_canary_gives_its_arm_the_candidate_until_it_ends(tmp_path: Path) -> None:
    registry = make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
    candidate = BRIEF + "Be polite."
    arms: dict[str, Arm] = {hash_unit("ann"): "canary", hash_unit("bob"): "control"}
    with open_service(tmp_path, choose_arm=lambda _, unit: arms.get(unit, "")) as service:

        def ask(unit: str) -> tuple[str, str, str]:
            got = service.prepare("faq", "raw", {"unit": unit})
            return got.arm, got.variant, got.strategy

        write_canary(tmp_path, registry, candidate)
        until(lambda: ask("ann")[0])
        assert ask("ann") == ("canary", digest_text(candidate), "canary")
        assert ask("bob") == ("control", digest_text(BRIEF), "control")
        assert ask("eve") == ("", digest_text(BRIEF), "current")
        write_canary(tmp_path, registry, candidate, state="aborted")
        until(lambda: not ask("ann")[0])
        write_canary(tmp_path, registry, candidate)
        until(lambda: ask("ann")[0])
        registry.force("brief", BRIEF + "By hand.", why("a person's act", 3))
        until(lambda: ask("ann")[1] == digest_text(BRIEF + "By hand."))
        assert ask("ann")[0] == ask("bob")[0] == ""


def test_a_damaged_canary_is_as_none(tmp_path: Path) -> None:
    registry = make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
    write_canary(tmp_path, registry, BRIEF + "Be polite.", candidate="0" * 64)
    (tmp_path / "promptops" / "canaries" / "torn.json").write_text('{"prompt_id": ')
    with open_service(tmp_path, choose_arm=lambda *_: "canary") as service:
        got = service.prepare("faq", "raw")
    assert (got.applied, got.arm, got.variant) == (True, "", digest_text(BRIEF))


def test_rows_of_prepare_and_outcome_share_the_trace_and_hold_no_secret(tmp_path: Path) -> None:
    make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
    with open_service(tmp_path, now=lambda: "2026-01-01T00:00:00.000Z") as service:
        context = {"unit": "ann@example.com", "model": "m", "confidence": 0.4, "source_count": 2}
        got = service.prepare("faq", "raw", context)
        secret = "https://user:pass@example.com ann@example.com"
        facts = {"success": False, "latency_ms": 12.5, "answer": secret, "feedback": "down"}
        service.record_outcome(got.trace, **facts, cost_usd=-1, colour="red")
    prepared, outcome = read_metrics(tmp_path)
    assert prepared["type"] == "promptops.prepare_prompt"
    shared = {"trace": got.trace, "ts": "2026-01-01T00:00:00.000Z"}
    expected = shared | {
        "prompt_id": "brief", "task_class": "faq", "variant": got.variant, "arm": "",
        "snapshot": got.snapshot, "unit": hash_unit("ann@example.com"), "applied": True,
        "model": "m", "confidence": 0.4, "source_count": 2, "promptops_used": True,
        "strategy": "current", "reason": "",
    }  # fmt: skip
    assert {name: prepared[name] for name in expected} == expected
    assert 0 <= prepared["latency_ms"] < 60_000
    assert outcome == shared | {
        "type": "promptops.model_interaction", "success": False, "latency_ms": 12.5,
        "answer": "https[key] [personal]", "feedback": "down", "left_out": ["colour", "cost_usd"],
    }  # fmt: skip
    assert "ann" not in json.dumps([prepared, outcome])


def test_a_full_disk_loses_rows_and_no_call(tmp_path: Path) -> None:
    make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
    (tmp_path / "promptops").write_text("a file in the place of the folder")
    with open_service(tmp_path) as service:
        assert service.prepare("faq", "raw").applied
        service.metrics.flush()
        assert service.metrics.dropped == 1


def test_many_threads_get_traces_of_their_own_and_lose_no_row(tmp_path: Path) -> None:
    make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
    with open_service(tmp_path) as service:

        def ask() -> None:
            for _ in range(200):
                service.record_outcome(service.prepare("faq", "raw").trace, success=True)

        threads = [threading.Thread(target=ask) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = read_metrics(tmp_path)
    assert len(rows) == 2000
    assert len({row["trace"] for row in rows}) == 1000


def test_the_contract_has_no_way_to_change_a_prompt(tmp_path: Path) -> None:
    public = {name for name in dir(PromptOps) if not name.startswith("_")}
    assert public == {"prepare", "record_outcome", "recommend_template", "close"}
    make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
    files = {path: path.read_bytes() for path in (tmp_path / "prompts").rglob("*.*")}
    with open_service(tmp_path) as service:
        hostile = {"inputs": {"query": "x"}, "unit": "../../prompts/current.json"}
        for context in ({}, hostile):
            service.prepare("faq", "../prompts", context)
        service.record_outcome("../../prompts/current.json", answer="x", prompt_id="../brief")
        service.recommend_template("faq")
    assert {path: path.read_bytes() for path in (tmp_path / "prompts").rglob("*.*")} == files


def test_open_promptops_reads_the_labs_own_settings(tmp_path: Path) -> None:
    make_registry(tmp_path, {"brief": BRIEF})
    (tmp_path / "lab.yaml").write_text(
        "step: s\nmodels: [m]\npromptops:\n  task_classes: {chat: brief}\n  prepare_ms: 60000\n"
    )
    service = prompt_lab.open_promptops(tmp_path)
    assert service.prepare("chat", "raw").applied
    service.close()
    with pytest.raises(ConfigError, match="speaks 'gopher'"):
        open_promptops("gopher://localhost")


def test_forks_make_traces_of_their_own() -> None:
    make = make_traces()
    assert len({make() for _ in range(100)}) == 100


def test_the_outcome_log_takes_in_what_the_contract_writes(tmp_path: Path) -> None:
    make_registry(tmp_path, {"brief": BRIEF}, brief=("faq", ""))
    with open_service(tmp_path, now=lambda: "2026-01-01T00:00:00.000Z") as service:
        context = {"unit": "ann", "model": "m", "confidence": 0.4, "question": "Which press?"}
        got = service.prepare("faq", "Which press?", context)
        facts = {"success": False, "latency_ms": 12.5, "cost_usd": 0.01, "answer": "4"}
        service.record_outcome(got.trace, **facts)
        service.record_outcome(got.trace, feedback="down")
        failed = service.prepare("faq", "Where?")
        service.record_outcome(failed.trace, error="timeout")
    store = MemoryOutcomes()
    report = ingest_facts(Lab(tmp_path), store, now="2026-01-02T00:00:00.000Z")
    assert (report.malformed, report.problems) == (0, ())
    found = store.find(got.trace)
    assert found is not None
    expected = facts | {
        "prompt_id": "brief", "task_class": "faq", "variant": got.variant, "model": "m",
        "snapshot": got.snapshot, "unit": hash_unit("ann"), "confidence": 0.4, "feedback": "down",
        "question": "Which press?",
    }  # fmt: skip
    assert {name: getattr(found, name) for name in expected} == expected
    other = store.find(failed.trace)
    assert other is not None
    assert (other.error, other.success) == ("timeout", None)
