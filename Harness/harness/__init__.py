"""The Python behind the programs in tools/. It needs Python 3.10 and no other package.

- ``chaos``, ``hosts``, ``powercut``, ``fuzz``: look for lost tasks, for wrong replies and for crashes.
- ``differential``: compares Beanrow's managers with beanstalkd.
- ``bench``: measures managers and other task queues.
- ``lib``: what these share.
- ``tests``: tests of all of them.
"""
