"""A mail from a digest, rendered once for each variant of an issue."""
