#!/bin/sh
# Questions of several parts: asked whole, or by their parts? A trial decides; a YES turns it on.
set -eu
bin=${BIN:-.venv/bin}
lab=${LAB:-lab-split}
here=examples/promptops
export PROMPTLAB_ROOT="$lab" PROMPTLAB_CONFIGS="$lab/configs"

if [ ! -e "$lab/configs/policies/gain-once.yaml" ]; then
    mkdir -p "$lab"
    cp "$here/split_lab.yaml" "$lab/lab.yaml"
    cp -R configs "$lab/configs"
    cp "$here/multi_part.yaml" "$lab/configs/steps/multi_part.yaml"
    cp "$here/split_target.yaml" "$lab/configs/targets/service.yaml"
    cp "$here/gain-once.yaml" "$lab/configs/policies/gain-once.yaml"
fi
PYTHONPATH=. "$bin/python" "$here/service.py" begin-parts

"$bin/luigi" --module pipeline TrySplit --step multi_part --questions "${QUESTIONS:-16}" \
    --labels "$here/multi_part_labels.jsonl" --labeled-by a-person
