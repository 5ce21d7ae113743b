"""The clock as a program of its own, the same as `newsletter scheduler`.

`python scheduler.py` runs until it is told to end; `python scheduler.py --once` does all that is due and
ends; with `--now WHEN` it does so as if it were that time. It finds its settings as every command does:
in NEWSLETTER_* variables and in newsletter.toml of the working directory.
"""

from __future__ import annotations

import sys

from newsletter.cli import main

if __name__ == "__main__":
    main(["scheduler", *sys.argv[1:]])
