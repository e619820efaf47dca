"""What people open: the ledger, the pages of a lab, two ranges of runs compared."""
