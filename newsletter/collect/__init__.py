"""Articles from feeds, pages and folders."""
