#!/bin/sh
# A prompt of the registry: tried, promoted, rolled back, and seen by a reader in a second process.
set -eu
bin=${BIN:-.venv/bin}
lab=lab-registry
export PROMPTLAB_ROOT="$lab" PROMPTLAB_CONFIGS="$lab/configs"
pointer() { sed -n 's/.*"to_snapshot": "\([0-9a-f]*\)".*/\1/p' "$lab/prompts/current.json"; }

if [ ! -e "$lab/configs" ]; then
    mkdir -p "$lab"
    cp examples/registry/lab.yaml "$lab/lab.yaml"
    cp -R configs "$lab/configs"
    cp examples/registry/invoices.yaml "$lab/configs/targets/invoices.yaml"
    cp examples/registry/once.yaml "$lab/configs/policies/once.yaml"
fi

"$bin/luigi" --module pipeline ExampleLab
[ -e "$lab/prompts/current.json" ] ||
    "$bin/prompt-lab" prompts import examples/invoices/target/prompts --reason "the prompts so far"
first=$(pointer)

seen="$lab/seen.txt"
"$bin/prompt-lab" prompts watch extract_invoice --changes 2 >"$seen" &
reader=$!
trap 'kill "$reader" 2>/dev/null || true' EXIT

"$bin/luigi" --module pipeline Iteration
if [ "$first" = "$(pointer)" ]; then
    echo "The verdict is no YES, so nothing was promoted." >&2
    exit 1
fi
"$bin/prompt-lab" prompts diff extract_invoice "$first"
"$bin/prompt-lab" prompts blame extract_invoice
# The reader has two changes to see: the promotion, which is past, and this one.
"$bin/prompt-lab" prompts rollback "$first" --reason "the demo takes its promotion back"
wait "$reader"
trap - EXIT

echo "What the reader in the second process was served:"
cat "$seen"
echo "The history:"
"$bin/prompt-lab" prompts history
"$bin/prompt-lab" prompts verify
"$bin/luigi" --module pipeline Ledger
