"""Readers of the places where loans lie, one module per kind; `loantap.data.staging` brings them to one form."""
