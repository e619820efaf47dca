"""F1 of what the model called malignant, by the data set's own labels of the held-out rows."""

import json
import os
import sys
from pathlib import Path

from data import rows


def main() -> str | None:
    """Print the score of work/predictions.json; what is wrong with it, if anything."""
    told = json.loads(Path(os.environ["PROMPTLAB_OUT"], "predictions.json").read_text("utf-8"))
    held = rows(held_out=True)
    if sorted(told["malignant"], key=int) != [str(row.number) for row in held]:
        return "the predictions are not those of the held-out rows"
    pairs = [(told["malignant"][str(row.number)], row.malignant) for row in held]
    right, called = pairs.count((True, True)), sum(call for call, _ in pairs)
    malignant = sum(truth for _, truth in pairs)
    metrics = {
        "precision": right / max(1, called),
        "recall": right / malignant,
        "measurements": told["measurements"],
    }
    score = 2 * right / (called + malignant)
    print(json.dumps({"score": round(score, 6), "metrics": metrics}))
    return None


if __name__ == "__main__":
    sys.exit(main())
