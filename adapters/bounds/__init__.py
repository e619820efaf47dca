"""Processes that are bounded: their tree, limits and prints. Standard library only, Python 3.8.

A process of a target or a sandbox loads this folder under a private name (`start.py`), since our
package is not there: imports here and in what is loaded with it are relative.
"""
