"""The ends of a tensor's grid: one file a method, each sees ends and a histogram and nothing of a network."""
