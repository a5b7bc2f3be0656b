"""The page: what the menu shows, in a browser on this machine."""
