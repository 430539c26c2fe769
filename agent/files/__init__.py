"""Read and write the files that a person names, whole and in bounds. Nothing here knows what a file is for."""
