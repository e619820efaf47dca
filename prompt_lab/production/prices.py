"""What a token costs, out of what calls cost: traces name the sum, not the prices."""

from math import inf
from typing import NamedTuple

import numpy as np

from prompt_lab.traces import AgentCall

MOST_MODELS = 100


class EstimatedPrice(NamedTuple):
    """US dollars for one token."""

    input: float
    output: float


class PriceEstimate:
    """Least squares of the cost of calls on their tokens; exact where prices are fixed."""

    def __init__(self) -> None:
        self._squares = [0.0, 0.0, 0.0]  # input², input x output, output²
        self._costs = [0.0, 0.0]
        self.calls = 0

    def add(self, call: AgentCall) -> None:
        """Take in one call; one without cost or tokens says nothing."""
        read, written = call.tokens.input, call.tokens.output
        cost = call.cost_usd or 0.0
        if not 0 < cost < inf or min(read, written) < 0 or not (read or written):
            return
        self._squares[0] += read * read
        self._squares[1] += read * written
        self._squares[2] += written * written
        self._costs[0] += read * cost
        self._costs[1] += written * cost
        self.calls += 1

    def estimate(self) -> EstimatedPrice | None:
        """The prices; None where the calls do not determine them, or only by a negative price."""
        matrix = np.array([self._squares[:2], self._squares[1:]])
        if self.calls < 3 or np.linalg.cond(matrix) > 1e12:
            return None
        read, written = np.linalg.solve(matrix, self._costs)
        if read < 0 or written < 0:
            return None
        return EstimatedPrice(float(read), float(written))


class PriceTable:
    """One estimate for each model; what a token of input costs over all calls."""

    def __init__(self) -> None:
        self.models: dict[str, PriceEstimate] = {}

    def add(self, call: AgentCall) -> None:
        """Take in one call."""
        estimate = self.models.get(call.model)
        if estimate is None:
            if len(self.models) >= MOST_MODELS:
                return
            estimate = self.models[call.model] = PriceEstimate()
        estimate.add(call)

    def input_price(self) -> float | None:
        """Mean over the calls of models with known prices; None without any."""
        known = [(est.calls, price) for est in self.models.values() if (price := est.estimate())]
        calls = sum(count for count, _ in known)
        return sum(count * price.input for count, price in known) / calls if calls else None
