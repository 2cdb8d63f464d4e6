"""Walks over numbered pages: rows in order, each once, resumable; :mod:`wxrevenue.pages._walk` says when a walk trusts what it saw."""
