"""Where price models are kept: sealed folders, pointers, MLflow."""
