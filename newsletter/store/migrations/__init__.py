"""Every schema the program has had, in order; append only."""
