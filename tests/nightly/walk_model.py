"""Walks over a list that changes between any two answers.

Each walk is killed and resumed at random steps: 100,000 examples by default.

Not part of the tests, for it takes a quarter of an hour. To run it, from the repository's top::

    PYTHONPATH=tests python tests/nightly/walk_model.py [--examples 100000]

An example that breaks a promise is shown as the shortest list of steps that does.
"""

from __future__ import annotations

import argparse

from support import walkmodel

if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Walk a list that changes, in many examples.")
    arguments.add_argument("--examples", type=int, default=100_000)
    walkmodel.run(arguments.parse_args().examples)
