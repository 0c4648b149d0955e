"""SEC EDGAR."""
