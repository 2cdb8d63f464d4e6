"""The transport on httpx2, and what is mended of that library."""
