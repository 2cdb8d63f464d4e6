"""Walks over numbered pages: rows in order, each once, resumable; when a walk trusts what it saw stands in ``_list_reader.py``."""
