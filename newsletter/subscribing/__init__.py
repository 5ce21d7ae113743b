"""The use cases of a subscriber, from sign-up to erasure."""
