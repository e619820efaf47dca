"""One attempt at a task: `prompt-lab-task`. Flags: --task TASK.yaml, and those of RunTask."""

from pipeline.cli.original_tools import run_task_file

if __name__ == "__main__":
    run_task_file()
