"""What the tests share: time that costs nothing, servers that are functions, and the leak oracle."""
