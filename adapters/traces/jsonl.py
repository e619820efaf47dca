"""Our own form: one trace for each line, as a row of observability_traces holds it."""

from collections.abc import Iterator

from pydantic import ValidationError

from adapters.traces.spans import lines_of, read_time
from prompt_lab.json_limits import check_json_limits, parse_json
from prompt_lab.ports.trace_reader import MalformedTrace
from prompt_lab.traces import Trace


class JsonlTraces:
    """ports.LineTraceReader."""

    def read(self, text: str, *, at: str) -> Iterator[Trace | MalformedTrace]:
        """One trace for each line; `at` is the time of those that say none."""
        for number, line in lines_of(text):
            yield self.read_line(number, line, at=at)

    def read_line(self, number: int, line: str, *, at: str) -> Trace | MalformedTrace:
        """The trace of a line; what is wrong is said by the careful way alone."""
        return _read_quickly(line) or _read_carefully(number, line, at)


def _read_quickly(line: str) -> Trace | None:
    """Parsed and validated in one go. None for all that is not plainly right."""
    if "NaN" in line or "Infinity" in line:  # which pydantic reads as numbers
        return None
    try:
        raw = line.encode()
        check_json_limits(raw)
        trace = Trace.model_validate_json(raw)
    except ValueError:
        return None
    time = read_time(trace.created_at)
    if not time:
        return None
    return trace if time == trace.created_at else trace.model_copy(update={"created_at": time})


def _read_carefully(number: int, line: str, at: str) -> Trace | MalformedTrace:
    try:
        row = parse_json(line)
        if not isinstance(row, dict):
            raise TypeError("is no JSON object")
        row = {key: value for key, value in row.items() if value is not None}
        time = read_time(row.get("created_at")) or at
        if not time:
            raise TypeError("'created_at' is missing: add it, or give --at TIME")
        return Trace.model_validate({**row, "created_at": time})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        return MalformedTrace(number, f"{place}: {first['msg']}", line)
    except (ValueError, TypeError, RecursionError) as error:
        return MalformedTrace(number, str(error)[:300], line)
