"""Views for the tests of pages: real records, made by rule, the same at every call."""

import json
from random import Random

from prompt_lab.analyze.insight import render_insight
from prompt_lab.analyze.metrics import measure
from prompt_lab.analyze.synthesis_model import Participant
from prompt_lab.decide.verdict import Evidence, Pair, Policy, Validity, Verdict, decide
from prompt_lab.names import PullState, Side, Split, Status
from prompt_lab.records import (
    Change,
    PlanText,
    PromptVersion,
    Pull,
    RunError,
    RunRecord,
    RunRow,
    SentEvidence,
    Usage,
)
from prompt_lab.report.view import ReportView, Setup, Spent
from prompt_lab.store.agents import AgentRecord

MODELS = ("smollm2-t0", "smollm2-t07")
SEVEN = (
    "ollama-llama3.1",
    "openrouter-openai-gpt-oss-20b",
    "openai-gpt-5-nano",
    "openrouter-qwen3-30b-a3b",
    "openrouter-openai-gpt-4o-mini",
    "openrouter-gemini-2.0-flash-001",
    "anthropic-claude-haiku-4-5-pinned",
)
VENDORS = ("Aalto Gear Oy", "Bäckerei Huber", "Café du Port", "Delta Tools Ltd", "丸山商店")

BEFORE = """You read invoices and answer in JSON.

Give the amount and the vendor.

Be short.
Do not explain.
Use the currency of the invoice.
Leave a field empty if it is not there.
Never guess.
[user]
Invoice:
{invoice}
"""
AFTER = """You read invoices and answer in JSON.

Give the amount to be paid: the total with tax, not the invoice number, not a quantity.
Give the vendor as it is written at the top.

Be short.\x20
Do not explain.
Use the currency of the invoice.
Leave a field empty if it is not there.
Never guess.
[user]
Invoice:
{invoice}
"""

WORK = AgentRecord(
    agent="claude", kind="claude_code", model="haiku", task="insight", started="",
    ending="time", refused={"time_limit": "it was ended"}, prompt_sha256="", seconds=61,
    cost_usd=0.5, input_tokens=1, output_tokens=2, unbound=("its network is not walled in",),
)  # fmt: skip


def plan(number: int) -> PlanText:
    """An invoice with its gold answer."""
    vendor, total = VENDORS[number % len(VENDORS)], f"{37 + 13.25 * number:.2f}"
    text = (
        f"{vendor}\nInvoice no. 2026-{4100 + number}\n"
        f"Order {770 + number}, due 2026-04-{1 + number % 28:02d}\n"
        f"  {1 + number % 7} x part {number}\n\nTotal to pay: EUR {total}\n"
    )
    gold = json.dumps({"amount": total, "vendor": vendor}, ensure_ascii=False)
    return PlanText(
        name=f"invoice_{number:03d}", inputs={"invoice.txt": text}, gold={"answer.json": gold}
    )


def row(model: str, text: PlanText, side: Side, right: tuple[bool, bool], folder: int) -> RunRow:
    """One run; `right` says whether amount and vendor are. Both wrong may be no JSON at all."""
    gold = json.loads(text.gold["answer.json"])
    amount = (
        gold["amount"] if right[0] else text.inputs["invoice.txt"].split("no. ")[1].split("\n")[0]
    )
    answer = json.dumps({"amount": amount, "vendor": gold["vendor"] if right[1] else "Invoice"})
    broken = not any(right) and text.name[-1] in "14789"
    error = RunError(kind="invalid_json", message="Expecting value: line 1 column 1 (char 0)")
    record = RunRecord(
        iteration=12,
        step="extract_invoice",
        split=Split.TRAIN,
        side=side,
        model=model,
        plan=text.name,
        replicate=0,
        status=Status.ERROR if broken else Status.OK,
        error=error if broken else None,
        scores={"fields": 0.0 if broken else sum(right) / 2, "amount": float(right[0])},
        primary=0.0 if broken else sum(right) / 2,
        valid=not broken,
        usage=Usage(calls=1, calls_succeeded=1, input_tokens=180, output_tokens=24, cost_usd=4e-5),
        sent=SentEvidence(
            wanted_commit="a" * 40, head="a" * 40, tree_clean=True, files={}, prompt_sha256=""
        ),
        content_key="k",
        answered_by=model,
        started="2026-03-01T09:00:00Z",
        ended="2026-03-01T09:00:01Z",
        duration_seconds=0.8 + len(model) / 40 + (side is Side.CANDIDATE) * 0.1,
    )
    said = f"Here is the answer: {amount}" if broken else answer
    path = f"history/0/{folder:02d}_extract_invoice/outputs/{text.name}"
    return RunRow(record=record, path=path, outputs={"answer.json": said}, reused=folder % 4 == 0)


def rows(models: tuple[str, ...], plans: int, gain: float, seed: int = 1) -> list[RunRow]:
    """Both sides of every model on every plan; the candidate is right more often by `gain`."""
    rng = Random(seed)
    found = []
    for number in range(plans):
        hard = rng.random()
        for at, model in enumerate(models):
            for side in Side:
                easy = 0.45 + at * 0.05 + gain * (side is Side.CANDIDATE) - hard * 0.3
                right = (rng.random() < easy, rng.random() < 0.75)
                found.append(
                    row(model, plan(number), side, right, 2 * at + (side is Side.CANDIDATE))
                )
    return found


def pairs(given: list[RunRow]) -> list[Pair]:
    """The pairs that the engine judges."""
    scores: dict[tuple[str, str], dict[Side, float]] = {}
    for run in given:
        key = (run.record.model, run.record.plan)
        scores.setdefault(key, {})[run.record.side] = run.record.primary
    return [Pair(m, p, 0, s[Side.BASELINE], s[Side.CANDIDATE]) for (m, p), s in scores.items()]


def verdict(train: list[RunRow], verify: list[RunRow] | None = None) -> Verdict:
    """What the engine says of these runs."""
    left, right = ([r.record.valid for r in train if r.record.side is side] for side in Side)
    validity = Validity(
        baseline_valid=sum(left),
        baseline_total=len(left),
        candidate_valid=sum(right),
        candidate_total=len(right),
    )
    evidence = Evidence(validity=validity, verify_pairs=tuple(pairs(verify)) if verify else None)
    return decide(pairs(train), Policy(name="default"), evidence)


CHANGE = Change(
    branch="lab/12-align-schema",
    commit="9f3c2a7d5e1b4c6a8d0f9e7b5c3a1d2e4f6a8b0c",
    base_commit="1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
    strategy="align_schema",
    source="analysis/11_extract_invoice/synthesis.md",
    direction="Say what the amount is and what it is not",
    title="Say what the amount is",
    description="The schema says 'total with tax'; the prompt did not.\nOne line is added.",
    pull=12,
    pull_url="https://example.org/acme/invoices/pull/12",
)
PULL = Pull(
    number=12,
    url="https://example.org/acme/invoices/pull/12",
    title="Say what the amount is",
    body="",
    branch=CHANGE.branch,
    head=CHANGE.commit,
    base="main",
    state=PullState.OPEN,
)


def full(models: tuple[str, ...] = MODELS, plans: int = 20, gain: float = 0.35) -> ReportView:
    """An iteration with everything: a clear gain, and the verify plans read."""
    train, verify = rows(models, plans, gain), rows(models, plans, gain, seed=2)
    texts = {text.name: text for text in map(plan, range(plans))}
    metrics = measure(train, texts, "fields")
    return ReportView(
        iteration=12,
        step="extract_invoice",
        created="2026-03-01T09:05:59Z",
        setup=Setup(
            target="examples/invoices",
            main_commit=CHANGE.base_commit,
            policy="default",
            models=models,
            train_plans=tuple(texts),
            verify_plans=tuple(f"v{n}" for n in range(plans)),
        ),
        change=CHANGE,
        pull=PULL,
        before=PromptVersion(commit="1a2b", path="prompts/extract.txt", text=BEFORE),
        after=PromptVersion(commit="9f3c", path="prompts/extract.txt", text=AFTER),
        verdict=verdict(train, verify),
        metrics=metrics,
        verify_metrics=measure(verify, {}, "fields"),
        rows=tuple(train),
        plans=texts,
        spent=Spent(calls_made=118, calls_reused=42, cost_usd=0.0064, seconds=83),
        took_part=(Participant(analyst="claude", insight="failed", review="read"),),
        works=(WORK,),
        documents={"insight_metrics.md": render_insight(metrics, iteration=12, step="extract")},
        files=("verdict.json", "change.json", "meta.json"),
        page="lab/analysis/12_extract_invoice/report.html",
        versions={"prompt-lab": "0.1.0", "python": "3.11.9"},
    )


def nothing_ran() -> ReportView:
    """INVALID without a single pair."""
    setup = Setup(target="t", main_commit="1a2b", policy="default", models=MODELS)
    return ReportView(
        iteration=13,
        step="extract_invoice",
        created="2026-03-02T09:00:00Z",
        setup=setup,
        change=CHANGE.model_copy(update={"pull": None, "pull_url": ""}),
        verdict=decide([], Policy()),
    )


def one_side() -> ReportView:
    """Only the baseline ran."""
    view = full()
    left = [run for run in view.rows if run.record.side is Side.BASELINE]
    metrics = measure(left, view.plans, "fields")
    changes = {"rows": tuple(left), "metrics": metrics, "verify_metrics": None, "verdict": None}
    return view.model_copy(update=changes | {"after": None, "documents": {}})
