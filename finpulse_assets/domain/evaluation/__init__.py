"""Is a model better than naive guesses? Predictions out of sample, metrics, a verdict.

Read in this order: `walk_forward` makes the predictions of every candidate, naive ones among them,
`metrics` scores, `bootstrap` says how sure the scores are, `report` gives the verdict, `promotion`
acts on it, `proof` holds it to what was predicted live.
"""
