"""The suite that every token store runs through."""
