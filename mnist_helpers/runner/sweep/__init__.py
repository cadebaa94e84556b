"""A run or many: from the sweep file through the plan to the table of results."""
