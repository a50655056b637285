"""Makes small playable files: sound with a tone for each word, and pictures and videos that show their title."""
