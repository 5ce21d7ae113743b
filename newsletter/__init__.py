"""A newsletter publishing system: collect, compose, render, deliver."""
