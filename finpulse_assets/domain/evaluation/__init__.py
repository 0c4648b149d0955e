"""Is the model better than naive guesses? Predictions out of sample, baselines, metrics, a verdict.

Read in this order: `walk_forward` makes the predictions, `baselines` sets the naive predictors
beside them, `metrics` scores, `bootstrap` says how sure the scores are, `report` decides.
"""
