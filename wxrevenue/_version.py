"""The version, and how requests name their sender."""

__version__ = "0.1.0"
USER_AGENT = f"wxrevenue/{__version__}"
