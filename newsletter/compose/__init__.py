"""From articles to a digest: what is in, in which order, and what goes with it; pure."""
