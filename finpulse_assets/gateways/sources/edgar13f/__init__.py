"""Form 13F at SEC EDGAR."""
