"""Every exception of the program, drawn as one tree."""
