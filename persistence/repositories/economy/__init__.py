"""Rows of what moves money outside the book, a file for each table."""
