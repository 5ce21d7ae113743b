"""From a claimed delivery to a verdict, over SMTP."""
