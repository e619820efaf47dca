"""The jail of commands of others, and the way in for one of them: `processes.run`.

What runs on the command's side (jail, launcher, syscalls, wire) is standard library only, with
relative imports: it is loaded under a private name by `adapters/bounds/start.py`.
"""
