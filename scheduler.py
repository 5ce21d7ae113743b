"""The clock: `python scheduler.py` runs the table of jobs in `newsletter/schedule.py`."""
