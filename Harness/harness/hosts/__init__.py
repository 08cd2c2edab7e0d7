"""tools/hosts: managers on several hosts over PostgreSQL while links and servers fail."""
