<<<<<<< HEAD
"""Use cases of an operator: set up, run, look after."""
=======
"""The use cases of whoever keeps the program running."""
>>>>>>> tools
