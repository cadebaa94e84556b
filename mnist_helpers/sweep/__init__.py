"""Many runs of the notebooks: planned from a YAML file, done in parallel, resumed, tabulated."""
