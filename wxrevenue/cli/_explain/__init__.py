"""What codes, and the classes of errors, mean."""
