"""Research on the web: questions that Parallel.ai's Task API answers, with sources, on a budget."""
