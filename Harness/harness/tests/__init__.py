"""Tests of the package.

python3 -B -m unittest discover --start-directory Harness/harness/tests --top-level-directory Harness
"""
