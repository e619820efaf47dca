"""`show.py TASK_ID`: how each attempt of the task's last campaign ended, with its diff."""

import json
import sys
from pathlib import Path


def main(task_id: str) -> None:
    """Print the attempts; the working directory is the repository's root."""
    folder = Path("work/tasks", task_id)
    last = max(
        int(path.stem) for path in (folder / "campaigns").glob("*.json") if path.stem.isdigit()
    )
    for number in json.loads((folder / f"campaigns/{last}.json").read_text("utf-8"))["attempts"]:
        record = json.loads((folder / f"attempts/{number}/record.json").read_text("utf-8"))
        print(f"\nAttempt {number}  {record['status']}  {record['reason']}: {record['detail']}")
        print(f"  {record['mutation']}")
        print(f"  score {record['baseline_score']} -> {record['candidate_score']}")
        if record["diff_summary"]["diff"]:
            print(Path(record["diff_summary"]["diff"]).read_text("utf-8"), end="")


if __name__ == "__main__":
    main(sys.argv[1])
