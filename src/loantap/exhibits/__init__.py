"""What a reader sees: findings, tables and figures with their words, one module per notebook."""
