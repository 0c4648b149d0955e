"""The analyst's report: its facts, a writer in plain words, the check of what others write."""
