"""Walks over numbered pages.

Rows in order, each once, resumable. When a walk trusts what it saw stands in ``_list_reader.py``.
"""
