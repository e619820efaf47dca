#!/bin/sh
# A question service whose prompt fails: found, improved, put on live traffic, promoted; then a bad
# candidate is forced into a canary and rolled back.
set -eu
bin=${BIN:-.venv/bin}
lab=${LAB:-lab-promptops}
export PROMPTLAB_ROOT="$lab" PROMPTLAB_CONFIGS="$lab/configs"
service() { PYTHONPATH=. "$bin/python" examples/promptops/service.py "$@"; }
# --once: this machine is working for the demo, which is not what the optimizer waits for.
optimize() { "$bin/luigi" --module pipeline Optimize --once; }
ops() { "$bin/prompt-lab" promptops "$@"; }
gate() {
    "$bin/prompt-lab" release-gate || { code=$?; echo "(the gate is closed: exit code $code)"; return $code; }
}

if [ ! -e "$lab/configs/policies/gain-once.yaml" ]; then
    mkdir -p "$lab"
    cp examples/promptops/lab.yaml "$lab/lab.yaml"
    cp -R configs "$lab/configs"
    cp examples/promptops/orders.yaml "$lab/configs/steps/orders.yaml"
    cp examples/promptops/target.yaml "$lab/configs/targets/service.yaml"
    cp examples/promptops/gain-once.yaml "$lab/configs/policies/gain-once.yaml"
fi

service begin
echo "== 50 customers ask"
service answer 50 1
echo "== The optimizer finds the weak prompt, makes variants, and tries them"
optimize
echo "== 70 customers more: one half gets the candidate, the other half the current prompt"
service answer 70 2
echo "== The optimizer looks at the canary"
optimize
echo "== What the service says now"
service answer 10 3
echo "== A person forces a bad candidate into a canary"
ops canary orders examples/promptops/bad.txt --reason "the demo wants to see it fail"
service answer 70 4
echo "== May this be released, while the bad candidate is on live traffic?"
gate || test $? = 1
optimize
echo "== The history of the prompts, and what the service decided"
"$bin/prompt-lab" prompts history
"$bin/prompt-lab" prompts verify
ops journal
echo "== May this be released?"
gate
ops slo
echo "The page: PROMPTLAB_ROOT=$lab $bin/prompt-lab serve, then http://127.0.0.1:8084/promptops"
