"""Loan data: its columns, where it comes from, and how it is cleaned."""
