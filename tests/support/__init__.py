"""What the tests share.

Time that costs nothing, servers that are functions, and the search for leaks.
"""
