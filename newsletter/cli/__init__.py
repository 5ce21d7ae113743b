"""The door for terminals: parse a command, call one use case, show the result."""
