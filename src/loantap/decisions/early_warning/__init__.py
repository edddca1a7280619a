"""Live loans that drift toward default: signals, a rule, how well it warned, and what can be offered."""
