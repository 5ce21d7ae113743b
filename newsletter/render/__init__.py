<<<<<<< HEAD
"""From a digest to a mail: templates, inlined CSS, text part, slots, MIME; pure."""
=======
"""A mail from a digest, rendered once for each variant of an issue."""
>>>>>>> tools
