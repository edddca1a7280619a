"""Readers of the places where loans are stored, one module per kind; `loantap_sources.staging` brings them to one form."""
