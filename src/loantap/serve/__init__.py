"""Where models that were registered with MLflow before look for `loantap.scoring.pyfunc`."""
