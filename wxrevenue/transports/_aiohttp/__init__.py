"""The transport on aiohttp."""
