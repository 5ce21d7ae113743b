"""Pre-flight rules: from a rendered issue to findings, one file per family; pure."""
