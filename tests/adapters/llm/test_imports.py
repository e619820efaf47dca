"""What the client of the runs costs before its first call: no vendor's SDK is imported for it."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow
SCRIPT = """
import json, sys
from pipeline.wiring import load_adapter
for provider in ("openai", "anthropic", "ollama", "openrouter", "openai_like", "embedded"):
    load_adapter("llm", provider)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def test_no_sdk_is_imported_for_runs() -> None:
    said = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    ).stdout
    loaded = set(json.loads(said.splitlines()[-1]))
    assert not loaded & {"openai", "anthropic", "ollama", "llama_index", "httpx"}
    assert "adapters" in loaded
