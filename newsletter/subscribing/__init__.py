"""Use cases of a subscriber: sign up, confirm, preferences, leave, import and export, erase."""
