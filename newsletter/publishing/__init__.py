"""The use cases of an issue, from collecting to sending."""
