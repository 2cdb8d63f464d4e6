"""What everything stands on: secrets, argument checks, Beijing days.

It has nothing of HTTP, of calls or of services.
"""
