"""Use cases of an operator: set up, run, look after."""
