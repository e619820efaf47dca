"""What the runs say: metrics, review, synthesis, assessment."""
