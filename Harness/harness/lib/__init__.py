"""What the tools share: clients, servers, files of the repository, the frame of a command."""
