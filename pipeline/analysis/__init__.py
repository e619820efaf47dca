"""What the runs say, in the words of the analysts, before anyone decides."""
