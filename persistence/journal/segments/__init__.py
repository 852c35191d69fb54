"""What of the journal lies in files: their form, which there are, and how batches get there."""
