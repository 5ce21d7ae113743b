<<<<<<< HEAD
"""Pre-flight rules: from a rendered issue to findings, one file per family; pure."""
=======
"""What is wrong with an issue before it goes out."""
>>>>>>> tools
