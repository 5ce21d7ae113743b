"""A digest from articles, by pure choice."""
