"""From the bytes of sources to articles: fetching, parsing, cleaning, identity."""
