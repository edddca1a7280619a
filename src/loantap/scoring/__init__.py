"""What a model says of applications: of one with its reasons, and of a table of them."""
