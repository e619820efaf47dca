"""Whether what is served now may be released; 1 and reason codes where not.

`PROMPTLAB_ROOT=lab python tools/release_gate.py`; options are those of `prompt-lab release-gate`.
"""

import sys

from pipeline.cli.app import main

if __name__ == "__main__":
    main(["release-gate", *sys.argv[1:]])
