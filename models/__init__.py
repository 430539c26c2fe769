"""The embedded model: how it is made, and the weights that ship. Nothing here is imported by the other packages."""
