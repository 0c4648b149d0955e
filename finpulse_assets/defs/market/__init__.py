"""Assets of prices and calendars."""
