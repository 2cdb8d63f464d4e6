"""The way in: the two clients, and what they are assembled from."""
