"""The same commands to beanstalkd and to Beanrow's managers, and every reply compared."""
