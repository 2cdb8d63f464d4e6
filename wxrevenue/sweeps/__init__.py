"""Many calls side by side.

``sweep``, what it hands out, and what it remembers of an earlier run.
"""
