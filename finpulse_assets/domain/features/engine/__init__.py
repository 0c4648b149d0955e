"""The engine: blocks of bars, derived series, windows, statistics across tickers, vintages."""
