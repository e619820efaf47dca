"""Any command as a step: a list of arguments, which no shell reads."""

from adapters.step.python_target import PythonTarget


class CommandStep(PythonTarget):
    """A step file with COMMAND, SOURCES and `score`.

    {plan_dir}, {out_dir}, {worktree}, {python}, {models_file}, {base_url} and {model} are filled
    in, each inside its own argument. What the command loads cannot be seen, so the evidence is
    what SOURCES names: files of the target that the command uses.
    """

    mode = "command"
