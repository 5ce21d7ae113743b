<<<<<<< HEAD
"""The database: engine, models, and one file of queries per noun."""
=======
"""Rows, and the queries over them."""
>>>>>>> tools
