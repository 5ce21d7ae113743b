"""The machines that hold the lines of the house."""
