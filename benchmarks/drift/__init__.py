"""False alarms, and how soon drift is found."""
