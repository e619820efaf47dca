"""What runs inside the sandbox, beside the command: standard library only, Python 3.8 or later.

Loaded under a private name (`start.py`), since our package is not there: imports are relative.
"""
