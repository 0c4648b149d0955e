"""A rehearsal: the platform's schedule, sensors and alerts, driven through simulated sessions."""
