"""What ops watch: drift, freshness, when to retrain, which alerts are open and by which rules."""
