"""Walks over lists with equal keys, on servers that cap, leave out and lie.

It tries 20,000 examples of each model by default.

Not part of the tests, for it takes a quarter of an hour. To run it, from the repository's top::

    PYTHONPATH=tests python tests/nightly/list_model.py [--examples 20000]
"""

from __future__ import annotations

import argparse

from support import listmodel

if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Walk lists with equal keys, in many examples.")
    arguments.add_argument("--examples", type=int, default=20_000)
    listmodel.run(arguments.parse_args().examples)
