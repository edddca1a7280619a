"""The default model: features, tuning, evaluation, persistence."""
