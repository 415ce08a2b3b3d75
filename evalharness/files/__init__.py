"""Files by path or URL, files of the project, temporary files, untrusted files and texts."""
