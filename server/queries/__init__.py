"""What the pages and the staff API read, as typed values. All times are aware UTC home times,
where nothing else is said.

Each function takes the database and the settings, and asks nobody's permission: the route did.
"""
