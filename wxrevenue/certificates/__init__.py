"""WeChat Pay's platform certificates.

They are downloaded, kept for many processes, and changed in time.
"""
