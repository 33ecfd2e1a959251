"""The Update Framework's repository as a folder of static files: roles and keys, publishing, channels, roll-outs."""
