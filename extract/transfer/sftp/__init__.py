"""Fetching from the SFTP servers of stations and archives."""
