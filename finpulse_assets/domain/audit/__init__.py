"""Can the features be trusted? Looks for leaks, a placebo for the evaluation, quality of values."""
