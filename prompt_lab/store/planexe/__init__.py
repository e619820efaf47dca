"""Read labs that the PlanExe prompt lab wrote: runs, analyses, answers and usage. Read only."""
