"""Results, exhibits, notebooks and the rendered report; it knows nothing of statistics."""
