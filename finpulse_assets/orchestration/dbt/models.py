"""The dbt models that Python reads, by name.

A model's name is its table in the warehouse and its asset key: it can stand in the `deps` of an
asset, and nobody needs dbt's manifest for it.
"""

DAILY_SENTIMENT = "fct_daily_sentiment"
DAILY_FEATURES = "fct_daily_features"
LABELS = "fct_labels"
PREDICTED_HORIZON = "open_to_close"  # of the horizons of fct_labels, the one that models predict
TRAINING_SET = "fct_training_set"
UNIVERSE = "dim_listings"
MARTS = (UNIVERSE, DAILY_FEATURES, DAILY_SENTIMENT, LABELS, TRAINING_SET)
