"""`--explain`: gather what a task allows and what was tried."""

from prompt_lab.task_engine.explain import Facts, explain
from prompt_lab.task_engine.task_context import TaskContext


def explained(site: TaskContext) -> str:
    """The page."""
    facts = Facts(
        file=str(site.file),
        root=str(site.root),
        artifacts=site.artifacts,
        evaluator=site.evaluator,
        no_sandbox=site.tools.commands.refusal or site.no_sandbox,
        running=_describe_running(site),
        last_keep=site.store.last_keep(),
    )
    return explain(site.task, facts, site.store.rows())


def _describe_running(site: TaskContext) -> str:
    if not site.store.running.exists():
        return ""
    return f"an engine is at work, or was ended by force: {site.at_work()}"
