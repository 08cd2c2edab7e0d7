"""Tools that try to make Beanrow lose a task: power cuts, crashes, stalls, and long runs.

Standard library only. The commands are tools/powercut, tools/chaos and tools/soak.
"""
