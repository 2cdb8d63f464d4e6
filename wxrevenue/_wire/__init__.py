"""What is sent and what comes back.

Requests, models, HTTP values, the JSON codec, error codes.
"""
