<<<<<<< HEAD
"""Use cases of a publication: collect sources, draft, review, approve, send."""
=======
"""The use cases of an issue, from collecting to sending."""
>>>>>>> tools
