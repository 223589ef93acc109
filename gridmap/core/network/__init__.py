"""The walking network: built from streets, timed for a walker, with buildings and stations attached to it."""
