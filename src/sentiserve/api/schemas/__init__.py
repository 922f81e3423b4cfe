"""What goes over the wire, in camelCase: one file for each kind of question."""
