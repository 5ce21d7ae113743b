<<<<<<< HEAD
"""From articles to a digest: what is in, in which order, and what goes with it; pure."""
=======
"""A digest from articles, by pure choice."""
>>>>>>> tools
