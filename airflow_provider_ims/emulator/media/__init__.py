"""Generates small playable files: audio with a tone for each word, and images and videos that show their title."""
