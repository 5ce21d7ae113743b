<<<<<<< HEAD
"""Use cases of a subscriber: sign up, confirm, preferences, leave, import and export, erase."""
=======
"""The use cases of a subscriber, from sign-up to erasure."""
>>>>>>> tools
