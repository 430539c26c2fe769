"""Functions in the modules that people have: find one, show a model what it needs, and put it in its place.

`functions` finds what is still to be written, `excerpt` writes the request for it, `placing` puts the answer of a model
into the module's text, and `module` is the record of a module and its function. Nothing here runs or generates.
"""
