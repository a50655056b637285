"""Generates small files: audio with a tone for each word, images and videos that show a title, and subtitles."""
