"""Any Luigi task of a target, run by itself from a finished plan folder."""

from adapters.step.python_target import PythonTarget


class LuigiTask(PythonTarget):
    """A step file with TASK, PARAMETERS and `score`, and perhaps `prepare`.

    The task is made with its parameters, in which {plan_dir}, {out_dir}, {models} (as JSON) and
    the other places are filled in. What it requires must be complete already; what it outputs
    must exist afterwards. Nothing above it in its DAG is run.
    """

    mode = "luigi"
