"""The use cases of whoever keeps the program running."""
