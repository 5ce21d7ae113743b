"""Use cases of a publication: collect sources, draft, review, approve, send."""
