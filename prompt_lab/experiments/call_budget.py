"""A limit on the calls and the cost of one command, which its processes share."""

from multiprocessing import Array

from prompt_lab.config.models import ModelConfig
from prompt_lab.errors import BudgetReached, ConfigError
from prompt_lab.ports import Answer, Llm, Request


class CallBudget:
    """The most calls and US dollars of this command and its forks; 0 calls or None: no limit.

    A call is allowed only if the limit holds even at its worst cost, so no limit is exceeded by
    calls that this process makes. Calls of a step in a process of its own are known only once the
    run has ended: there the runs that are under way may exceed it.
    """

    def __init__(self, max_calls: int = 0, max_cost: float | None = None) -> None:
        self.max_calls, self.max_cost = max_calls, max_cost
        self._spent = Array("d", [0.0, 0.0])

    @property
    def usage(self) -> tuple[int, float]:
        """(calls, US dollars), what is under way at its worst cost included."""
        calls, usd = self._spent[0], self._spent[1]
        return int(calls), usd

    def find_refusal(self, usd: float = 0.0) -> str:
        """Why one more call that costs this much must not be made, or ''."""
        calls, dollars = self._spent[0], self._spent[1]
        if self.max_calls and calls + 1 > self.max_calls:
            return self._refusal(f"--max-calls {self.max_calls}")
        if self.max_cost is not None and (
            dollars + usd > self.max_cost or dollars >= self.max_cost
        ):
            return self._refusal(f"--max-cost {self.max_cost:g}")
        return ""

    def reserve(self, usd: float) -> None:
        """Count one call at its worst cost. Raises BudgetReached, and counts nothing then."""
        with self._spent.get_lock():
            if why := self.find_refusal(usd):
                raise BudgetReached(why)
            self._spent[0] += 1
            self._spent[1] += usd

    def add(self, calls: int, usd: float) -> None:
        """Count what was spent elsewhere, or correct by a negative amount what was reserved."""
        with self._spent.get_lock():
            self._spent[0] += calls
            self._spent[1] = max(0.0, self._spent[1] + usd)

    @staticmethod
    def _refusal(flag: str) -> str:
        return (
            f"{flag}: the limit of this command is reached. What was paid for is kept; the same "
            "command goes on from here."
        )


class BudgetedLlm:
    """ports.Llm of one model whose calls are counted by a budget before they are made."""

    def __init__(self, config: ModelConfig, llm: Llm, budget: CallBudget) -> None:
        self._config, self._llm, self._budget = config, llm, budget

    def check(self) -> str | None:
        """As the model says."""
        return self._llm.check()

    def ask(self, request: Request) -> Answer:
        """As the model answers, or raises. Raises BudgetReached without a call."""
        worst = estimate_worst_cost(self._config, request)
        self._budget.reserve(worst)
        cost = 0.0
        try:
            answer = self._llm.ask(request)
            cost = self._config.cost(answer.input_tokens, answer.output_tokens)
        finally:
            self._budget.add(0, cost - worst)
        return answer

    def close(self) -> None:
        """Close the model."""
        self._llm.close()


def estimate_worst_cost(config: ModelConfig, request: Request) -> float:
    """US dollars that a request costs at most: a token is at least one byte.

    The answer is as long as its limit; what a server adds to the request is not known.
    """
    texts = (request.system, request.user, str(dict(request.schema)) if request.schema else "")
    size = sum(len(text.encode("utf-8", "replace")) for text in texts)
    return config.cost(size, config.settings.max_tokens or request.max_tokens)


def check_prices(models: list[ModelConfig], max_cost: float | None) -> None:
    """Raises ConfigError where a limit on the cost could not hold, since a price is unknown."""
    unknown = [model.alias for model in models if not model.has_price]
    if max_cost is not None and unknown:
        raise ConfigError(
            [
                f"--max-cost {max_cost:g}: the price of {', '.join(unknown)} is unknown. Add"
                " 'price: {input: …, output: …}' to the model, or use --max-calls"
            ]
        )
