"""Reports that are kept: pages of other tools, and the folder of the analyst's reports."""
