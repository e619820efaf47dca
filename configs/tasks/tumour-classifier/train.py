"""Trains by model.yaml, and writes what the model says of the rows that it has not seen."""

import json
import os
import sys
from pathlib import Path

import yaml
from data import NAMES, rows


def main() -> str | None:
    """Write work/predictions.json: called malignant or not, by row; what is wrong, if anything."""
    told = yaml.safe_load(Path(__file__).with_name("model.yaml").read_text("utf-8"))
    names = told["features"]
    if set(names) - set(NAMES):
        return f"model.yaml: features: there are {', '.join(NAMES)}"
    seen, unseen = rows(held_out=False), rows(held_out=True)

    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 -- rows() tells of its lack
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

    model = make_pipeline(StandardScaler(), LogisticRegression(C=told["strength"]))
    model.fit([[row.measured[n] for n in names] for row in seen], [r.malignant for r in seen])
    chances = model.predict_proba([[row.measured[n] for n in names] for row in unseen])[:, 1]
    called = {
        str(row.number): bool(chance >= told["threshold"])
        for row, chance in zip(unseen, chances, strict=True)
    }
    found = {"measurements": len(names), "malignant": called}
    Path(os.environ["PROMPTLAB_OUT"], "predictions.json").write_text(json.dumps(found), "utf-8")
    return None


if __name__ == "__main__":
    sys.exit(main())
