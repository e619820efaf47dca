"""Messages of runs: each text once in a run folder, whoever writes it."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from prompt_lab.store.files import read_rows
from prompt_lab.store.sent_messages import MESSAGES, _known_in, keep_messages, read_messages


def test_a_text_is_kept_once_however_many_runs_send_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        sent = [["You read invoices.", f"Invoice {n % 5}\r\n"] for n in range(40)]
        kept = list(pool.map(lambda texts: keep_messages(tmp_path, texts), sent))
    assert [path.name for path in tmp_path.iterdir()] == [MESSAGES]
    assert len(read_rows(tmp_path / MESSAGES)) == 6
    found = read_messages([tmp_path, tmp_path], {digest for pair in kept for digest in pair})
    assert [[found[digest] for digest in pair] for pair in kept] == sent


def test_a_process_that_goes_on_adds_only_what_is_missing(tmp_path: Path) -> None:
    first = keep_messages(tmp_path, ["system", "half a pair: \ud83d"])
    _known_in.cache_clear()
    assert keep_messages(tmp_path, ["system", "half a pair: \ud83d"]) == first
    assert len(read_rows(tmp_path / MESSAGES)) == 2
    assert read_messages([tmp_path], first)[first[0]] == "system"
    assert read_messages([tmp_path / "none"], first) == {}
