"""Readers of the places where loans are stored, one module per kind; `loantap.data.staging` brings them to one form."""
