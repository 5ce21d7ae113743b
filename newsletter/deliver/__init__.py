<<<<<<< HEAD
"""From a claimed delivery to a verdict, over SMTP."""
=======
"""Rendered mail to SMTP servers, every verdict recorded."""
>>>>>>> tools
