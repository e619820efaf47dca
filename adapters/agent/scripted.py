"""An agent that does what its config says: the same every time, with no model and no process."""

from prompt_lab.agents.port import AgentJob, AgentResult, Ending
from prompt_lab.config.agents import Act, AgentConfig


class ScriptedAgent:
    """Of its acts, the first whose `when` is in the prompt."""

    def __init__(self, config: AgentConfig) -> None:
        self._config = config

    def check(self) -> str | None:
        """It can be used as soon as it has a script."""
        return None if self._config.script else "its config has no 'script:'"

    def work(self, job: AgentJob) -> AgentResult:
        """Write, delete and say what the act holds."""
        act = next((act for act in self._config.script if act.when in job.prompt), None)
        if act is None:
            return AgentResult("", "", Ending.FAILED, "no entry of the script matches the prompt")
        if job.writes:
            self._do(act, job)
        ending = Ending.FAILED if act.fails else Ending.DONE
        if not act.fails and act.cost_usd > self._config.cost_usd:
            ending = Ending.COST
        return AgentResult(act.says, f"{act.says}\n", ending, act.fails, cost_usd=act.cost_usd)

    def _do(self, act: Act, job: AgentJob) -> None:
        for name, text in act.files.items():
            path = job.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for name in act.deletes:
            (job.folder / name).unlink()
