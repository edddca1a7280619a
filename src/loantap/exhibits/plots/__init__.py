"""Figures: each function takes a frame of finished numbers and returns a Matplotlib figure."""
