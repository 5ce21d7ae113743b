"""The database: engine, models, and one file of queries per noun."""
