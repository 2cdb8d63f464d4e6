"""The suite that every certificate store runs through."""
