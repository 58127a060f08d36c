"""Imported by the server process alone, before it forks the first worker of a DataLoader."""

from tinygrad_edu.data.worker_server import block_in_server

block_in_server()
