"""A synthetic twin."""
