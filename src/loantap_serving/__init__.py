"""What others use a finished run for."""
