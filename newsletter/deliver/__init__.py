"""Rendered mail to SMTP servers, every verdict recorded."""
