"""Our own form: one trace for each line, as a row of observability_traces holds it."""

from collections.abc import Iterator

from pydantic import ValidationError

from adapters.traces.spans import lines_of, read_time
from prompt_lab.json_limits import parse_json
from prompt_lab.ports.trace_reader import MalformedTrace
from prompt_lab.traces import Trace


class JsonlTraces:
    """ports.TraceReader."""

    def read(self, text: str, *, at: str) -> Iterator[Trace | MalformedTrace]:
        """One trace for each line; `at` is the time of those that say none."""
        for number, line in lines_of(text):
            try:
                row = parse_json(line)
                if not isinstance(row, dict):
                    raise TypeError("is no JSON object")
                row = {key: value for key, value in row.items() if value is not None}
                time = read_time(row.get("created_at")) or at
                if not time:
                    raise TypeError("'created_at' is missing: add it, or give --at TIME")
                yield Trace.model_validate({**row, "created_at": time})
            except ValidationError as error:
                first = error.errors()[0]
                place = ".".join(map(str, first["loc"]))
                yield MalformedTrace(number, f"{place}: {first['msg']}", line)
            except (ValueError, TypeError, RecursionError) as error:
                yield MalformedTrace(number, str(error)[:300], line)
