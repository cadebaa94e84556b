"""HTML pages: an executed notebook, its live widgets, the digit page, the report of a model."""
