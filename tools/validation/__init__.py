"""Loans of known truth, and the statistics held against it."""
