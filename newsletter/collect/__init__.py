<<<<<<< HEAD
"""From the bytes of sources to articles: fetching, parsing, cleaning, identity."""
=======
"""Articles from feeds, pages and folders."""
>>>>>>> tools
