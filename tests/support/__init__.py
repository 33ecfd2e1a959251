"""Code that tests of several rooms share."""
