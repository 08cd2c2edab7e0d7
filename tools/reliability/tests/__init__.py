"""Tests of the tools: python3 -m unittest discover -s tools -t tools -p 'test_*.py'"""
