"""tools/differential: sends the same commands to beanstalkd and to managers, and compares every reply."""
