"""What runs in the target's process: standard library only, Python 3.8 or later, never our rules.

The target's own interpreter starts `start.py`, which loads this folder under a private name. No
module here may be imported by its path in our package, since our package is not there.
"""
