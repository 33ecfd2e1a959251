"""Emulated ARM cores: real ARM binaries under qemu-user, right outputs and instruction counts, and no time."""
