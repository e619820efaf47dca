"""Whether latency and cost stay in their budgets; 1 and reason codes where not.

`PROMPTLAB_ROOT=lab python tools/gate_promptops_perf.py`; the options are those of
`prompt-lab release-gate`.
"""

import sys

from pipeline.cli.app import main

if __name__ == "__main__":
    main(["release-gate", "--only", "perf", *sys.argv[1:]])
