"""Our own users of prompts, and how each of them goes through the service."""

import atexit
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from prompt_lab.clock import utc_now
from prompt_lab.experiments.context import LabContext
from prompt_lab.ports import Answer
from prompt_lab.ports.prompt_routes import RoutedPrompt
from prompt_lab.promptops.contract import PromptOps
from prompt_lab.promptops.prepared_rows import make_traces
from prompt_lab.promptops.records import metric_row
from prompt_lab.prompts.snapshots import digest_text
from prompt_lab.store.prompt_files import PromptFiles


@dataclass(frozen=True)
class CoveredRoute:
    """`module` asks the model; `fixed`: one template for a whole trial, chosen when it begins."""

    task_class: str
    module: str
    fixed: bool = False


COVERED_ROUTES: Final[Mapping[str, CoveredRoute]] = {
    "analyst": CoveredRoute("analyst", "prompt_lab.experiments.agent_work"),
    "proposer": CoveredRoute("proposer", "prompt_lab.experiments.agent_work"),
    "llm_judge": CoveredRoute("llm_judge", "prompt_lab.experiments.llm_judge", fixed=True),
    "rewriter": CoveredRoute("rewriter", "prompt_lab.promptops.optimizer_run"),
    "findings_analyst": CoveredRoute("findings_analyst", "prompt_lab.production.review_items"),
}
"""Every place of the product that asks a model with a prompt of our own.

Runs of a step under trial are not among them: their prompt is what the trial compares.
"""


class LabPromptRoutes:
    """ports.PromptRoutes of a lab. Opens the service at the first call in a lab with a registry."""

    def __init__(self, context: LabContext) -> None:
        self._context = context
        self._pointer = PromptFiles(context.lab.root / "prompts").pointer
        self._new_trace = make_traces()
        self._service: PromptOps | None = None
        self._process = 0
        self._opening = threading.Lock()

    def prepare(self, route: str, user: str, *, model: str, fixed: str = "") -> RoutedPrompt:
        """See the port."""
        service, task_class = self._find_service(), COVERED_ROUTES[route].task_class
        if service is None:
            return RoutedPrompt("", user)
        if fixed:
            return RoutedPrompt("", user, self._note_fixed(service, route, fixed, model))
        raw = ({"role": "user", "content": user},)
        prepared = service.prepare(task_class, raw, {"model": model, "intent": route})
        prompt, system = prepared.prompt, ""
        if isinstance(prompt, str):
            return RoutedPrompt("", prompt, prepared.trace)
        for message in prompt:
            if message["role"] == "system":
                system = message["content"]
            else:
                user = message["content"]
        return RoutedPrompt(system, user, prepared.trace)

    def record(self, trace: str, answer: Answer | None, *, seconds: float, error: str = "") -> None:
        """See the port. Written at once, since commands may end at any moment."""
        service = self._find_service()
        if service is None or not trace:
            return
        done = answer is not None and bool(answer.text.strip())
        service.record_outcome(trace, success=done, latency_ms=round(1e3 * seconds, 3), error=error)
        service.metrics.flush()

    def find_template(self, route: str) -> str:
        """See the port."""
        service = self._find_service()
        if service is None:
            return ""
        found = service.recommend_template(COVERED_ROUTES[route].task_class)
        return found.text if found else ""

    def _find_service(self) -> PromptOps | None:
        """The service; None where the lab has no registry. A fork opens its own."""
        if self._service is not None and self._process == os.getpid():
            return self._service
        if not self._pointer.exists():
            return None
        with self._opening:
            if self._service is None or self._process != os.getpid():
                service = PromptOps(self._context.lab, self._context.defaults.promptops)
                atexit.register(service.close)
                self._service, self._process = service, os.getpid()
        return self._service

    def _note_fixed(self, service: PromptOps, route: str, text: str, model: str) -> str:
        """The row of a call whose template was chosen when its trial began."""
        task_class, trace = COVERED_ROUTES[route].task_class, self._new_trace()
        found, variant = service.recommend_template(task_class), digest_text(text)
        is_current = found is not None and found.variant == variant
        row = metric_row(
            "prepare_prompt",
            utc_now(),
            trace=trace,
            task_class=task_class,
            prompt_id=found.prompt_id if found and is_current else "",
            snapshot=found.snapshot if found and is_current else "",
            variant=variant,
            applied=is_current,
            strategy="fixed",
            model=model,
            latency_ms=0.0,
            promptops_used=True,
        )
        service.metrics.add(row)
        return trace
