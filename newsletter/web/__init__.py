"""The door for browsers: parse a request, call one use case, show a page."""
