"""--model ALIAS [--prompt ID]: ten hard multi-part questions, scored."""

import sys
from pathlib import Path

from pipeline.cli.app import main

BATTERY = str(Path(__file__).parents[1] / "configs/promptops/multi_part_questions.json")

if __name__ == "__main__":
    main(["promptops", "ask", BATTERY, "--most=10", *sys.argv[1:]])
