"""Limits on what is lent: where they lie, whom they refuse, and what they earn."""
