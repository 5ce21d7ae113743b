"""Rows, and the queries over them."""
