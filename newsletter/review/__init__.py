"""What is wrong with an issue before it goes out."""
